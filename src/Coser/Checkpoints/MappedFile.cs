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
internal sealed unsafe class MappedFile
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

    public static MappedFile Open(string path)
    {
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        long length = RandomAccess.GetLength(handle);
        if (length == 0)
            return new MappedFile(path, null, null, 0); // an empty file cannot be mapped
        var file = MemoryMappedFile.CreateFromFile(
            File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read),
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
    public torch.Tensor View(long offset, long[] shape, torch.ScalarType type)
    {
        int size = SafetensorsTypes.Size(type);
        if (shape.Contains(0))
            return torch.empty(shape, type);
        if (offset % size != 0)
        {
            torch.Tensor copy = torch.empty(shape, type);
            Bytes(offset, checked((int)(copy.numel() * size))).CopyTo(copy.bytes);
            return copy;
        }
        Interlocked.Increment(ref _references);
        return BorrowedTensor.Create((IntPtr)(_start + offset), shape, type, Release);
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
            return;
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _file?.Dispose();
    }
}
