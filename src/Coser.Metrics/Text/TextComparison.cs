using System.Text;

namespace Coser.Metrics.Text;

/// <summary>A word that reads otherwise afterwards.</summary>
public sealed record ChangedWord(string Before, string After);

/// <summary>What became of the words of an image.</summary>
/// <param name="Readable">Words that were surely read before.</param>
/// <param name="Changed">Those in whose place another word is now surely read: the restoration says something else.</param>
/// <param name="Lost">Those in whose place nothing, or only a part, is surely read: too blurry, but no lie.</param>
public sealed record TextComparison(int Readable, IReadOnlyList<ChangedWord> Changed, int Lost)
{
    /// <summary>From which confidence on a word counts as read.</summary>
    public const double Sure = 70;

    /// <summary>Shorter words are too often specks.</summary>
    public const int Letters = 3;

    private const double SamePlace = 0.5;

    /// <summary>
    /// Compares words in the same place, by letters and digits alone; neither case nor where a line was cut into words counts.
    /// </summary>
    public static TextComparison Of(IEnumerable<TextWord> before, IEnumerable<TextWord> after)
    {
        TextWord[] now = [.. after.Where(IsSure)];
        var changed = new List<ChangedWord>();
        (int readable, int lost) = (0, 0);
        foreach (TextWord word in before.Where(w => IsSure(w) && Plain(w.Text).Length >= Letters))
        {
            readable++;
            string was = Plain(word.Text);
            TextWord[] there = [.. now.Where(w => word.Overlap(w) >= SamePlace).OrderBy(w => w.Left)];
            string reads = string.Concat(there.Select(w => Plain(w.Text)));
            if (reads.Contains(was, StringComparison.Ordinal))
                continue;
            if (was.Contains(reads, StringComparison.Ordinal))
                lost++;
            else
                changed.Add(new ChangedWord(word.Text, string.Join(' ', there.Select(w => w.Text))));
        }
        return new TextComparison(readable, changed, lost);
    }

    private static bool IsSure(TextWord word) => word.Confidence >= Sure && Plain(word.Text).Length > 0;

    // What OCR mistakes for each other at any sharpness counts as the same.
    private static string Plain(string text)
    {
        var plain = new StringBuilder();
        foreach (char c in text.Where(char.IsLetterOrDigit))
        {
            plain.Append(
                char.ToLowerInvariant(c) switch
                {
                    '0' => 'o',
                    '1' or 'i' => 'l',
                    char other => other,
                }
            );
        }
        return plain.ToString();
    }
}
