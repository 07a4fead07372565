using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Coser.Engine;

/// <summary>Tensors over memory that somebody else owns (ATen's <c>from_blob</c>), which TorchSharp keeps to itself.</summary>
internal static partial class BorrowedTensor
{
    // A delegate handed to native code must stay reachable until its one call.
    private static readonly ConcurrentDictionary<Deleter, byte> Pending = new();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Deleter(IntPtr memory);

    /// <summary>A CPU tensor over <paramref name="memory"/>; <paramref name="release"/> runs once, when its storage is freed.</summary>
    public static torch.Tensor Create(IntPtr memory, ReadOnlySpan<long> shape, torch.ScalarType type, Action release)
    {
        NativeEngine.EnsureLoaded();
        Deleter? deleter = null;
        deleter = _ =>
        {
            release();
            Pending.TryRemove(deleter!, out byte _);
        };
        Pending.TryAdd(deleter, 0);
        IntPtr handle = New(memory, deleter, shape, shape.Length, (sbyte)type, (sbyte)type, 0, -1, false);
        if (handle == IntPtr.Zero)
        {
            Pending.TryRemove(deleter, out _);
            release();
            torch.CheckForErrors();
            throw new InvalidOperationException("libtorch made no tensor over borrowed memory");
        }
        return torch.Tensor.UnsafeCreateTensor(handle);
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_new")]
    private static partial IntPtr New(
        IntPtr data,
        Deleter deleter,
        ReadOnlySpan<long> sizes,
        int rank,
        sbyte scalarType,
        sbyte dtype,
        int deviceType,
        int deviceIndex,
        [MarshalAs(UnmanagedType.U1)] bool requiresGrad
    );
}
