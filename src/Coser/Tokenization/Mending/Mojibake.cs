using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace Coser.Tokenization.Mending;

/// <summary>
/// Undoes the decoding of UTF-8 in a character set of one byte a character, in the manner of ftfy 6.3 (Speer 2019): when a text
/// looks wrong, the sets are tried in turn, and the first whose bytes are UTF-8, or nearly so, wins.
/// </summary>
internal static partial class Mojibake
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private static readonly Regex Lookalikes = BuildLookalikes();

    /// <summary>Repeats until nothing looks wrong any more, or nothing helps.</summary>
    public static string Fix(string text)
    {
        while (true)
        {
            string next = Step(text);
            if (next == text)
                return text;
            text = next;
        }
    }

    /// <summary>Controls U+0080 to U+009F stand for what windows-1252 has there, as in browsers.</summary>
    public static string FixControls(string text) =>
        text.AsSpan().ContainsAnyInRange('\u0080', '\u009f')
            ? string.Concat(
                text.Select(c => c is >= '\u0080' and <= '\u009f' ? SingleByteEncoding.Windows1252.Decode(c) : c)
            )
            : text;

    private static string Step(string text)
    {
        if (Ascii.IsValid(text) || !Badness.IsBad(text))
            return text;
        foreach (SingleByteEncoding encoding in SingleByteEncoding.All)
        {
            if (encoding.Encode(text) is { } bytes && Decode(Repair(bytes, encoding)) is { } decoded)
                return decoded;
        }
        string parts = Lookalikes.Replace(
            text,
            m => m.Length < text.Length && Badness.IsBad(m.Value) ? Fix(m.Value) : m.Value
        );
        return parts != text ? parts : FixControls(text);
    }

    private static string Repair(string bytes, SingleByteEncoding encoding)
    {
        if (encoding.RestoresSpaces && SpaceForA0().IsMatch(bytes))
            bytes = SpaceForA0()
                .Replace(GraveWord().Replace(bytes, "\u00c3\u00a0 "), m => m.Value.Replace(' ', '\u00a0'));
        return encoding.Sloppy ? Lossy().Replace(bytes, "\u00ef\u00bf\u00bd") : bytes;
    }

    private static string? Decode(string bytes)
    {
        if (bytes.AsSpan().ContainsAny('\u00c0', '\u00ed'))
            bytes = Surrogates().Replace(bytes.Replace("\u00c0\u0080", "\0", StringComparison.Ordinal), FourBytes);
        byte[] encoded = Encoding.Latin1.GetBytes(bytes);
        return Utf8.IsValid(encoded) ? Strict.GetString(encoded) : null;
    }

    // A surrogate pair, each written as three bytes (CESU-8), is one character of four.
    private static string FourBytes(Match pair)
    {
        string b = pair.Value;
        int code = 0x10000 + ((b[1] & 15) << 16) + ((b[2] & 63) << 10) + ((b[4] & 15) << 6) + (b[5] & 63);
        return Encoding.Latin1.GetString(Strict.GetBytes(char.ConvertFromUtf32(code)));
    }

    /// <summary>What would be UTF-8 of a likely letter, had no program taken byte A0 for a space.</summary>
    [GeneratedRegex(
        """
            [\xc2\xc3\xc5\xce\xd0\xd9][ ]
            |[\xe2\xe3][ ][\x80-\x84\x86-\x9f\xa1-\xbf]
            |[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf][ ]
            |\xf0(?:[ ][\x80-\xbf]{2}|[\x80-\xbf][ ][\x80-\xbf]|[\x80-\xbf]{2}[ ])
            """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant,
        Timeout.Infinite
    )]
    private static partial Regex SpaceForA0();

    /// <summary>A lone "à" keeps its space; the words are Portuguese and are written together.</summary>
    [GeneratedRegex("\u00c3 (?! |quele|quela|quilo|s )", RegexOptions.CultureInvariant, Timeout.Infinite)]
    private static partial Regex GraveWord();

    /// <summary>UTF-8 or CESU-8 in which bytes were lost: 1A stands for them, once also a question mark.</summary>
    [GeneratedRegex(
        """
            [\xc2-\xdf]\x1a
            |[\xc2\xc3]\?
            |\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]
            |\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]
            |[\xe0-\xef](?:[\x1a?][\x1a\x80-\xbf]|[\x1a\x80-\xbf][\x1a?])
            |[\xf0-\xf4](?:[\x1a?][\x1a\x80-\xbf]{2}|[\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]|[\x1a\x80-\xbf]{2}[\x1a?])
            |\x1a
            """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant,
        Timeout.Infinite
    )]
    private static partial Regex Lossy();

    [GeneratedRegex(
        @"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]",
        RegexOptions.CultureInvariant,
        Timeout.Infinite
    )]
    private static partial Regex Surrogates();

    /// <summary>Stretches that read like UTF-8 in the Latin-1-like sets, amid text that as a whole does not.</summary>
    private static Regex BuildLookalikes()
    {
        string continuation = Class(0x80, 0xbf);
        // Dashes, quotes, bullet and ellipsis also stand beside mojibake for themselves.
        string certain = string.Concat(continuation.Except("–—―‘’‚“”„•…"));
        continuation += ' ';
        return new Regex(
            $"(?<![{certain}])(?:[{Class(0xc2, 0xdf)}][{continuation}]|[{Class(0xe0, 0xef)}][{continuation}]{{2}}"
                + $"|[{Class(0xf0, 0xf0)}{Class(0xf3, 0xf3)}][{continuation}]{{3}})+",
            RegexOptions.CultureInvariant,
            Timeout.InfiniteTimeSpan
        );
    }

    private static string Class(int first, int last) =>
        string.Concat(
            Enumerable
                .Range(first, last - first + 1)
                .SelectMany(b => SingleByteEncoding.Alike.Select(e => e.Decode((char)b)))
                .Distinct()
        );
}
