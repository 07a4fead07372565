using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;

namespace Coser.Tokenization.Mending;

/// <summary>What <c>ftfy.fix_text</c> (6.3.1, default settings) does to a text before open_clip tokenises it.</summary>
internal static partial class TextMender
{
    private const int MaxSegment = 1_000_000;

    // From U+FF5F on; what has no other width stands for itself.
    private const string OtherWidth =
        "⦅⦆。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u3099\u309a"
        + "\u1160ᄀᄁᆪᄂᆬᆭᄃᄄᄅᆰᆱᆲᆳᆴᆵᄚᄆᄇᄈᄡᄉᄊᄋᄌᄍᄎᄏᄐᄑᄒ\uffbf\uffc0\uffc1ᅡᅢᅣᅤᅥᅦ\uffc8\uffc9ᅧᅨᅩᅪᅫᅬ"
        + "\uffd0\uffd1ᅭᅮᅯᅰᅱᅲ\uffd8\uffd9ᅳᅴᅵ\uffdd\uffde\uffdf¢£¬\uffe3¦¥₩\uffe7│←↑→↓■○";

    private static readonly FrozenDictionary<char, string> Ligatures = new Dictionary<char, string>
    {
        ['Ĳ'] = "IJ",
        ['ĳ'] = "ij",
        ['ŉ'] = "'n",
        ['Ǳ'] = "DZ",
        ['ǲ'] = "Dz",
        ['ǳ'] = "dz",
        ['Ǆ'] = "DŽ",
        ['ǅ'] = "Dž",
        ['ǆ'] = "dž",
        ['Ǉ'] = "LJ",
        ['ǈ'] = "Lj",
        ['ǉ'] = "lj",
        ['Ǌ'] = "NJ",
        ['ǋ'] = "Nj",
        ['ǌ'] = "nj",
        ['ﬀ'] = "ff",
        ['ﬁ'] = "fi",
        ['ﬂ'] = "fl",
        ['ﬃ'] = "ffi",
        ['ﬄ'] = "ffl",
        ['ﬅ'] = "ſt",
        ['ﬆ'] = "st",
        ['￣'] = " \u0304",
    }.ToFrozenDictionary();

    /// <summary>Mends line by line; from the first line with a "&lt;" on, the text is markup and keeps its entities.</summary>
    public static string Mend(string text)
    {
        var mended = new StringBuilder(text.Length);
        bool markup = false;
        for (int start = 0; start < text.Length; )
        {
            int end = text.IndexOf('\n', start) + 1;
            end = Math.Min(end == 0 ? text.Length : end, start + MaxSegment);
            if (end < text.Length && char.IsSurrogatePair(text, end - 1))
                end--;
            string line = text[start..end];
            markup |= line.Contains('<', StringComparison.Ordinal);
            mended.Append(MendLine(line, markup));
            start = end;
        }
        return mended.ToString();
    }

    private static string MendLine(string line, bool markup)
    {
        while (true)
        {
            string before = line;
            line = markup ? line : HtmlText.UnescapeCertain(line);
            line = Simplify(Mojibake.FixControls(Mojibake.Fix(line)));
            line = Controls().Replace(TerminalEscape().Replace(line, ""), "");
            line = CanonicalForm.Compose(line);
            if (line == before)
                return line;
        }
    }

    /// <summary>Ligatures apart, usual widths, straight quotes, one kind of line break, no halves of characters.</summary>
    private static string Simplify(string text)
    {
        var simple = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (Ligatures.TryGetValue(c, out string? letters))
                simple.Append(letters);
            else if (char.IsSurrogate(c))
            {
                if (i + 1 < text.Length && char.IsSurrogatePair(c, text[i + 1]))
                    simple.Append(c).Append(text[++i]);
                else
                    simple.Append('\ufffd');
            }
            else if (c != '\r' || i + 1 == text.Length || text[i + 1] != '\n')
                simple.Append(Simplify(c));
        }
        return simple.ToString();
    }

    private static char Simplify(char c) =>
        c switch
        {
            '\r' or '\u2028' or '\u2029' => '\n',
            'ʼ' or (>= '‘' and <= '‛') => '\'',
            >= '“' and <= '‟' => '"',
            '\u3000' => ' ',
            >= '！' and <= '～' => (char)(c - '！' + '!'),
            > '～' and <= '￮' => OtherWidth[c - '～' - 1],
            _ => c,
        };

    [GeneratedRegex(@"\x1b\[[\d;]*[a-zA-Z]", RegexOptions.CultureInvariant, Timeout.Infinite)]
    private static partial Regex TerminalEscape();

    [GeneratedRegex(
        @"[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]",
        RegexOptions.CultureInvariant,
        Timeout.Infinite
    )]
    private static partial Regex Controls();
}
