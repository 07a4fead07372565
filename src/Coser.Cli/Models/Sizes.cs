using System.Globalization;

namespace Coser.Cli.Models;

/// <summary>Numbers for people.</summary>
internal static class Sizes
{
    /// <summary>"47.7 MiB".</summary>
    public static string Bytes(long bytes) => Scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);

    /// <summary>"1.5 M".</summary>
    public static string Count(long count) => Scaled(count, 1000, ["", "k", "M", "G", "T"]);

    private static string Scaled(double value, int step, string[] units)
    {
        int unit = 0;
        for (; Math.Abs(value) >= step && unit < units.Length - 1; unit++)
            value /= step;
        return (value.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit]).TrimEnd();
    }
}
