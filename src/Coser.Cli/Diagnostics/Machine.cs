using System.Globalization;
using System.Runtime.InteropServices;

namespace Coser.Cli.Diagnostics;

/// <summary>Facts about the machine, as a container sees it.</summary>
internal static class Machine
{
    public static string ProcessorName()
    {
        const string Info = "/proc/cpuinfo";
        string? model = File.Exists(Info)
            ? File.ReadLines(Info)
                .FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
                ?.Split(':', 2)[1]
                .Trim()
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
        return model is { Length: > 0 } ? model : RuntimeInformation.ProcessArchitecture.ToString();
    }

    /// <summary>Bytes this process may use at most, and bytes free of them now.</summary>
    public static (long Total, long Available) Memory()
    {
        GCMemoryInfo gc = GC.GetGCMemoryInfo(GCKind.Any);
        long total = gc.TotalAvailableMemoryBytes; // knows container limits
        long available = total - gc.MemoryLoadBytes;
        if (MemAvailable() is { } system)
            available = system;
        if (
            ReadNumber("/sys/fs/cgroup/memory.max") is { } limit
            && ReadNumber("/sys/fs/cgroup/memory.current") is { } used
        )
            available = Math.Min(available, limit - used);
        return (total, Math.Clamp(available, 0, total));
    }

    private static long? MemAvailable()
    {
        const string Info = "/proc/meminfo";
        string? line = File.Exists(Info)
            ? File.ReadLines(Info).FirstOrDefault(l => l.StartsWith("MemAvailable:", StringComparison.Ordinal))
            : null;
        string[]? words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [_, var kib, ..] && long.TryParse(kib, CultureInfo.InvariantCulture, out long n)
            ? n * 1024
            : null;
    }

    // "max" (no limit) is no number.
    private static long? ReadNumber(string file) =>
        File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), CultureInfo.InvariantCulture, out long n)
            ? n
            : null;
}
