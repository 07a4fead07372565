using System.Text.RegularExpressions;

namespace Coser.Training.Captions;

/// <summary>Captions of mirrored photos.</summary>
public static partial class CaptionMirror
{
    /// <summary>Swaps "left" and "right", so that a caption stays true when its photo is mirrored.</summary>
    public static string Swap(string caption) =>
        Side()
            .Replace(
                caption,
                m => string.Equals(m.Value, "left", StringComparison.OrdinalIgnoreCase) ? "right" : "left"
            );

    [GeneratedRegex(
        @"\b(left|right)\b",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Side();
}
