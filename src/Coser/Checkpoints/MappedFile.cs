using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Coser.Engine;
using Microsoft.Win32.SafeHandles;
using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>
/// A read-only file in memory, counted: the owner and every tensor over it hold one reference, and the last one out
/// unmaps it.
/// </summary>
internal sealed unsafe partial class MappedFile
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _start;
    private int _references = 1;

    private MappedFile(string path, MemoryMappedFile? file, MemoryMappedViewAccessor? view, long length)
    {
        (Path, _file, _view, Length) = (path, file, view, length);
        if (view is null)
            return;
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _start = start + view.PointerOffset;
    }

    public string Path { get; }

    public long Length { get; }

    /// <exception cref="CheckpointException">The file is missing or unreadable.</exception>
    public static MappedFile Open(string path)
    {
        try
        {
            SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            try
            {
                return Map(path, handle);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CheckpointException(path, e.Message, e);
        }
    }

    private static MappedFile Map(string path, SafeFileHandle handle)
    {
        long length = RandomAccess.GetLength(handle);
        if (length == 0)
        {
            handle.Dispose();
            return new MappedFile(path, null, null, 0); // an empty file cannot be mapped
        }
        var file = MemoryMappedFile.CreateFromFile(
            handle,
            null,
            0,
            MemoryMappedFileAccess.Read,
            HandleInheritability.None,
            leaveOpen: false
        );
        return new MappedFile(path, file, file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read), length);
    }

    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
        return new ReadOnlySpan<byte>(_start + offset, count);
    }

    /// <summary>A tensor over the mapped bytes; misaligned data, which kernels may not read, is copied.</summary>
    public torch.Tensor View(long offset, long[] shape, ElementType type)
    {
        NativeEngine.EnsureLoaded();
        torch.ScalarType scalar =
            type.Torch ?? throw new CheckpointException(Path, $"the engine has no element type {type.Name}");
        if (shape.Contains(0))
            return torch.empty(shape, scalar);
        long bytes = type.Bytes(shape) ?? long.MaxValue;
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - bytes);
        if ((ulong)(_start + offset) % (ulong)type.Size != 0)
        {
            torch.Tensor copy = torch.empty(shape, scalar);
            Buffer.MemoryCopy(_start + offset, TensorMemory.Address(copy), bytes, bytes);
            return copy;
        }
        Interlocked.Increment(ref _references);
        return BorrowedTensor.Create((IntPtr)(_start + offset), shape, scalar, Release);
    }

    /// <summary>A tensor of any strides (in elements, not negative) over the bytes from <paramref name="offset"/> on.</summary>
    public torch.Tensor View(long offset, long[] shape, long[] strides, ElementType type)
    {
        if (shape.Contains(0) || IsDense(shape, strides))
            return View(offset, shape, type);
        using torch.Tensor storage = View(offset, [Extent(shape, strides)], type);
        return storage.as_strided(shape, strides);
    }

    /// <summary>Elements from the first to the last one of a tensor that has any.</summary>
    public static long Extent(long[] shape, long[] strides) =>
        1 + shape.Zip(strides, (size, stride) => (size - 1) * stride).Sum();

    /// <summary>Takes whole pages out of the process's memory; the next touch reads them from the file again.</summary>
    public void Forget(long offset, long bytes)
    {
        const int DontNeed = 4; // on Linux and macOS alike
        long page = Environment.SystemPageSize;
        // The map starts at a page.
        long first = offset / page * page;
        long end = Math.Min((offset + bytes + page - 1) / page * page, Length);
        // Advice only: where it is not taken, memory is fuller and nothing else is different.
        if (bytes > 0 && (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()))
            _ = Advise(_start + first, (nuint)(end - first), DontNeed);
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
            return;
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _file?.Dispose();
    }

    private static bool IsDense(long[] shape, long[] strides)
    {
        long expected = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != expected)
                return false;
            expected *= shape[i];
        }
        return true;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
