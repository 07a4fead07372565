using System.Runtime.InteropServices;

namespace Coser.Engine;

/// <summary>How the C library keeps the engine's memory.</summary>
public static partial class NativeHeap
{
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;
    private const int HugePages = 14; // MADV_HUGEPAGE
    private const nuint Reserved = 1792u << 20;
    private const nuint HugePage = 2 << 20;

    /// <summary>
    /// Feature maps get pages of their own, which go back to the system when they are freed. glibc otherwise keeps maps of
    /// up to 32 MB in its heap, which falls to pieces over many super-tiles. For the rest of the process; the price is
    /// fresh pages for every map.
    /// </summary>
    public static void KeepWhole() => Set((MmapThreshold, 1 << 20), (TrimThreshold, 2 << 20));

    /// <summary>
    /// What is freed stays in the heap for the next map, of whatever size: where the same maps come again and again, fresh
    /// pages for each of them can take as long as the networks (docs/speed.md). The first 1.75 GB may come in huge pages, where
    /// the system has them. The price is a third more memory at the peak. For the rest of the process, or until
    /// <see cref="KeepWhole"/>.
    /// </summary>
    public static void KeepFreed()
    {
        Set((MmapThreshold, int.MaxValue), (TrimThreshold, int.MaxValue));
        OnGlibc(ReserveHugePages);
    }

    /// <summary>Gives the system back what <see cref="KeepFreed"/> has kept.</summary>
    public static void Release() => OnGlibc(() => _ = Trim(0));

    // A block that is freed untouched is the heap's free end afterwards: no memory yet, but pages of that kind once it is used.
    private static void ReserveHugePages()
    {
        nint block = Allocate(Reserved);
        if (block == 0)
            return;
        nuint start = ((nuint)block + HugePage - 1) / HugePage * HugePage;
        _ = Advise(start, Reserved - HugePage, HugePages);
        Free(block);
    }

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

    [LibraryImport("libc", EntryPoint = "malloc")]
    private static partial nint Allocate(nuint size);

    [LibraryImport("libc", EntryPoint = "free")]
    private static partial void Free(nint block);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint start, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
