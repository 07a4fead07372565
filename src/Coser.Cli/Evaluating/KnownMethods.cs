using Coser.Evaluation;

namespace Coser.Cli.Evaluating;

/// <summary>The methods of the paper's Table 1 by name.</summary>
internal static class KnownMethods
{
    /// <summary>Stands for all columns of Table 1.</summary>
    public const string Table1 = "table1";

    // In the order of the table. Files: usual names without extension; * stands for the rest of a name.
    private static readonly Known[] All =
    [
        new("realsr", "RealSR", ["RealSR_JPEG*", "DF2K_JPEG*", "RealSR_DPED*", "DPED*"], "RealSR_JPEG.pth"),
        new("real-esrgan+", "Real-ESRGAN+", ["RealESRGAN_x4plus", "RealESRGAN_x4plus-*"], "RealESRGAN_x4plus.pth"),
        new("bsrgan", "BSRGAN", ["BSRGAN", "BSRGAN-*"], "BSRGAN.pth"),
        new("dasr", "DASR", [], null),
        new("femasr", "FeMaSR", [], null),
        new("ldm", "LDM", [], null),
        new("stablesr", "StableSR", [], null),
    ];

    private static readonly string[] Extensions = [".pth", ".pt", ".safetensors"];

    /// <summary>Names for help and messages.</summary>
    public static string Names { get; } = string.Join(", ", All.Select(k => k.Key));

    /// <summary>The names that <see cref="Table1"/> stands for, the paper's own method last.</summary>
    /// <param name="own">The model in the place of CoSeR.</param>
    public static IEnumerable<string> OfTable1(string own) => [.. All.Select(k => k.Key), own];

    /// <summary>Whether a method is called so; then either its weights or why there are none.</summary>
    /// <param name="weights">The folder of official weight files; null: none was named.</param>
    /// <param name="file">Its weights; null: they are not there, or there is no network for them.</param>
    /// <param name="pending">What to put in its column if there is no file.</param>
    public static bool Find(string name, string? weights, out string? file, out PendingMethod pending)
    {
        (file, pending) = (null, new PendingMethod(name, ""));
        if (Array.Find(All, k => k.Key.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } known)
            return false;
        if (known.Wanted is null)
        {
            // Its network is still to come.
            pending = new(
                known.Title,
                $"{known.Title}=folder:DIR with images its authors' program restored: its network is still to come"
            );
            return true;
        }
        file =
            weights is null || !Directory.Exists(weights)
                ? null
                : Directory
                    .EnumerateFiles(weights)
                    .Where(f => Extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
                    .Order(StringComparer.Ordinal)
                    .Select(f => (File: f, Rank: Array.FindIndex(known.Files, n => Matches(f, n))))
                    .Where(f => f.Rank >= 0)
                    .OrderBy(f => f.Rank)
                    .Select(f => f.File)
                    .FirstOrDefault();
        string where = weights is null ? "the folder of --weights" : weights;
        pending = new(known.Title, $"{known.Wanted} in {where}");
        return true;
    }

    private static bool Matches(string file, string pattern)
    {
        string name = Path.GetFileNameWithoutExtension(file);
        return pattern.EndsWith('*')
            ? name.StartsWith(pattern[..^1], StringComparison.OrdinalIgnoreCase)
            : name.Equals(pattern, StringComparison.OrdinalIgnoreCase);
    }

    private sealed record Known(string Key, string Title, string[] Files, string? Wanted);
}
