using System.Globalization;
using System.Text;
using Coser.Tokenization.Mending;

namespace Coser.Tokenization;

/// <summary>What happens to a text before it is cut into words: open_clip 2.20, <c>SimpleTokenizer</c>.</summary>
internal static class TextCleaning
{
    /// <summary>Mended, references of HTML resolved twice, white space to single spaces, none at the ends, small letters.</summary>
    public static string Clean(string text)
    {
        text = HtmlText.Unescape(HtmlText.Unescape(TextMender.Mend(text)));
        return Lower(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
    }

    /// <summary>As Python's <c>str.lower</c>: the dotted I leaves its dot behind, a sigma that ends a word is final.</summary>
    public static string Lower(string text)
    {
        string lower = text.ToLowerInvariant();
        if (!text.AsSpan().ContainsAny('İ', 'Σ'))
            return lower;
        var result = new StringBuilder(lower.Length + 1);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == 'İ')
                result.Append("i\u0307");
            else
                result.Append(text[i] == 'Σ' && EndsWord(text, i) ? 'ς' : lower[i]);
        }
        return result.ToString();
    }

    /// <summary>Condition Final_Sigma of the Unicode Standard, section 3.13.</summary>
    private static bool EndsWord(string text, int sigma)
    {
        Rune before = text[..sigma].EnumerateRunes().LastOrDefault(r => !IsCaseIgnorable(r));
        Rune after = text[(sigma + 1)..].EnumerateRunes().FirstOrDefault(r => !IsCaseIgnorable(r));
        return IsCased(before) && !IsCased(after);
    }

    // Letters with case, and what looks like letters: ordinals, Roman numerals, circled and squared letters.
    private static bool IsCased(Rune rune) =>
        Rune.GetUnicodeCategory(rune) <= UnicodeCategory.TitlecaseLetter
        || rune.Value
            is 0xaa
                or 0xba
                or (>= 0x2160 and <= 0x217f)
                or (>= 0x24b6 and <= 0x24e9)
                or (>= 0x1f130 and <= 0x1f149)
                or (>= 0x1f150 and <= 0x1f169)
                or (>= 0x1f170 and <= 0x1f189);

    private static bool IsCaseIgnorable(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.ModifierLetter
                or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.EnclosingMark
                or UnicodeCategory.Format
                or UnicodeCategory.ModifierSymbol
        || "'.:·\u0387\u055f\u05f4‘’\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a".Contains(
            rune.ToString(),
            StringComparison.Ordinal
        );
}
