using System.Diagnostics;
using System.Globalization;

namespace Coser.Bench;

/// <summary>Time and memory of a piece of work (Linux).</summary>
internal static class ProcessMemory
{
    /// <summary>Does the work and prints its time, its own peak of resident memory, and what was resident before.</summary>
    public static void Step(string what, Action work)
    {
        // Starts a new peak; where it is not allowed, the figure is that of the whole run.
        if (File.Exists("/proc/self/clear_refs"))
            File.WriteAllText("/proc/self/clear_refs", "5");
        double before = Status("VmRSS");
        var clock = Stopwatch.StartNew();
        work();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: {clock.Elapsed.TotalSeconds:f1} s, peak {Status("VmHWM"):f2} GB, {before:f2} GB before"
            )
        );
    }

    /// <summary>A figure of /proc/self/status in GB; NaN where there is none.</summary>
    private static double Status(string key) =>
        File.Exists("/proc/self/status")
            ? long.Parse(
                File.ReadLines("/proc/self/status")
                    .Single(l => l.StartsWith(key + ":", StringComparison.Ordinal))
                    .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture
            ) / 1e6
            : double.NaN;
}
