using System.Globalization;

namespace Coser.Evaluation;

/// <summary>The highest resident memory of this process since it was last asked to forget (Linux).</summary>
internal static class PeakMemory
{
    private const string Clear = "/proc/self/clear_refs";
    private const string Status = "/proc/self/status";

    public static void Reset()
    {
        try
        {
            if (File.Exists(Clear))
                File.WriteAllText(Clear, "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The peak is then that of the whole process so far.
        }
    }

    /// <summary>0 where the system does not say.</summary>
    public static double Megabytes()
    {
        string? line = File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal))
            : null;
        string[]? words = line?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words is [_, var kib, ..] ? double.Parse(kib, CultureInfo.InvariantCulture) / 1024 : 0;
    }
}
