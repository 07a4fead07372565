using System.Runtime.InteropServices;

namespace Coser.Engine;

/// <summary>How the C library keeps the engine's memory.</summary>
public static partial class NativeHeap
{
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;

    /// <summary>
    /// Feature maps get pages of their own, which go back to the system when they are freed. glibc otherwise keeps maps of
    /// up to 32 MB in its heap, which falls to pieces over many super-tiles. For the rest of the process; the price is
    /// fresh pages for every map.
    /// </summary>
    public static void KeepWhole() => Set((MmapThreshold, 1 << 20), (TrimThreshold, 2 << 20));

    /// <summary>
    /// What is freed stays in the heap for the next map, of whatever size: where the same maps come again and again, fresh
    /// pages for each of them can take as long as the networks (docs/speed.md). The price is a third more memory at the peak.
    /// For the rest of the process, or until <see cref="KeepWhole"/>.
    /// </summary>
    public static void KeepFreed() => Set((MmapThreshold, 1 << 30), (TrimThreshold, int.MaxValue));

    /// <summary>Gives the system back what <see cref="KeepFreed"/> has kept.</summary>
    public static void Release() => OnGlibc(() => _ = Trim(0));

    private static void Set(params (int Parameter, int Value)[] options) =>
        OnGlibc(() =>
        {
            foreach ((int parameter, int value) in options)
                _ = Mallopt(parameter, value);
        });

    private static void OnGlibc(Action call)
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            call();
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Not glibc: another allocator has ways of its own.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Mallopt(int parameter, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
