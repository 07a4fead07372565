using System.Runtime.InteropServices;

namespace Coser.Engine;

/// <summary>How the C library keeps the engine's memory.</summary>
internal static partial class NativeHeap
{
    private const int MmapThreshold = -3;
    private const int Bytes = 1 << 20;

    /// <summary>
    /// Feature maps get pages of their own, which go back to the system when they are freed. glibc otherwise keeps maps of
    /// up to 32 MB in its heap, which falls to pieces over many super-tiles. For the rest of the process; the price is
    /// fresh pages for every map.
    /// </summary>
    public static void KeepWhole()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = Mallopt(MmapThreshold, Bytes);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Not glibc: another allocator has ways of its own.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Mallopt(int parameter, int value);
}
