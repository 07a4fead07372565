using System.Diagnostics.CodeAnalysis;
using Coser.Engine;
using NetVips;

namespace Coser.Imaging;

/// <summary>libvips: set up once, its errors turned into <see cref="PhotoException"/>.</summary>
internal static class VipsEngine
{
    // Native code calls it, so it must stay reachable.
    [SuppressMessage("Performance", "CA1823", Justification = "Kept alive for native code.")]
    private static Log.LogDelegate? _silence;
    private static readonly Lock Gate = new();
    private const long MemoryBytes = 128 << 20;
    private static int _brokenTiles;

    /// <summary>How many tiles have been painted over so far, in this process.</summary>
    public static int BrokenTiles => Volatile.Read(ref _brokenTiles);

    /// <summary>Loads and sets up libvips; repeated calls cost nothing.</summary>
    /// <exception cref="EngineException">libvips is missing or this system cannot load it.</exception>
    public static void EnsureLoaded()
    {
        lock (Gate)
        {
            if (_silence is not null)
                return;
            if (!ModuleInitializer.VipsInitialized)
            {
                throw new EngineException(
                    "The image engine (libvips, package NetVips.Native) cannot be loaded: "
                        + (ModuleInitializer.Exception?.Message ?? "no reason given"),
                    ModuleInitializer.Exception
                );
            }
            // The cache answers by file name, even when the file has changed since; and torch wants the cores and the memory.
            Cache.Max = 0;
            NetVips.NetVips.Concurrency = Math.Min(2, Environment.ProcessorCount);
            // Warnings would go to the terminal, in the middle of somebody's progress display.
            // One of them is the only sign that a tile could not be decoded and was left black.
            _silence = static (_, _, message) =>
            {
                if (message.Contains("error in tile", StringComparison.Ordinal))
                    Interlocked.Increment(ref _brokenTiles);
            };
            Log.SetLogHandler("VIPS", Enums.LogLevelFlags.Warning | Enums.LogLevelFlags.Info, _silence);
        }
    }

    /// <summary>Runs <paramref name="read"/>; what libvips complains about becomes a <see cref="PhotoException"/>.</summary>
    public static T Reading<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (VipsException e)
        {
            throw Unreadable(path, e);
        }
    }

    /// <summary>The exception for a decoder's complaint.</summary>
    public static PhotoException Unreadable(string path, VipsException e) =>
        IsDiskFull(e.Message)
            ? new PhotoException(
                path,
                "there is no room for temporary files in " + Path.GetTempPath(),
                "Free some space there, or set TMPDIR to a folder on a larger disk.",
                e
            )
            : new PhotoException(
                path,
                "it cannot be decoded, it is damaged, cut off or of an unsupported kind (" + Complaint(e) + ")",
                "Fetch or export the photo again.",
                e
            );

    /// <summary>The computed picture: in memory up to 128 MiB, above that in libvips' temporary file. Disposes the lazy one.</summary>
    public static Image Settled(Image lazy)
    {
        using (lazy)
        {
            long samples = (long)lazy.Width * lazy.Height * lazy.Bands;
            int sampleBytes = lazy.Format switch
            {
                Enums.BandFormat.Uchar => 1,
                Enums.BandFormat.Ushort => 2,
                _ => 4,
            };
            if (samples * sampleBytes <= MemoryBytes)
                return lazy.CopyMemory();
            Image file = Image.NewTempFile("%s.v");
            lazy.Write(file);
            return file;
        }
    }

    public static bool IsDiskFull(string message) =>
        message.Contains("No space left", StringComparison.OrdinalIgnoreCase)
        || message.Contains("disk full", StringComparison.OrdinalIgnoreCase);

    /// <summary>What libvips said, without NetVips' own first line.</summary>
    public static string Complaint(VipsException e)
    {
        string[] lines = e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // The buffer is one for the process, and what others left in it comes first.
        string text = string.Join("; ", lines.Length > 1 ? lines.Skip(1).Distinct().TakeLast(2) : lines);
        return text.Length > 200 ? text[..200] + "…" : text;
    }
}
