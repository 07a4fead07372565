using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Coser.Tokenization.Mending;

namespace Coser.Tokenization;

/// <summary>
/// Character references of HTML 5. <see cref="System.Net.WebUtility"/> knows those of HTML 4, 253 of 2231, and none without a
/// semicolon.
/// </summary>
internal static partial class HtmlText
{
    private const int Longest = 32;

    // With their semicolons; a few are valid without, too.
    private static readonly FrozenDictionary<string, string> Names = UnicodeTable
        .Read("entities.txt")
        .ToFrozenDictionary(
            e => e[0],
            e => string.Concat(e[1..].Select(c => char.ConvertFromUtf32(Convert.ToInt32(c, 16)))),
            StringComparer.Ordinal
        );

    /// <summary>As browsers and Python's <c>html.unescape</c> do: the semicolon may lack, the longest known name counts.</summary>
    public static string Unescape(string text) =>
        text.Contains('&', StringComparison.Ordinal) ? Reference().Replace(text, m => Character(m.Value)) : text;

    /// <summary>
    /// As ftfy does: the semicolon must be there, and the name of a small letter in capitals is the capital (&amp;EACUTE;).
    /// </summary>
    public static string UnescapeCertain(string text) =>
        text.Contains('&', StringComparison.Ordinal)
            ? CertainReference().Replace(text, m => CertainCharacter(m.Value))
            : text;

    private static string CertainCharacter(string reference)
    {
        string name = reference[1..];
        if (name[0] == '#')
            return Unescape(reference) is var number && !number.Contains(';', StringComparison.Ordinal)
                ? number
                : reference;
        if (Names.TryGetValue(name, out string? character))
            return character;
        return
            !name.Any(char.IsAsciiLetterLower)
            && Names.TryGetValue(name.ToLowerInvariant(), out character)
            && Unescape(reference) == reference
            ? Capital(character)
            : reference;
    }

    private static string Capital(string character) =>
        character switch
        {
            "ß" => "SS",
            "ı" => "I",
            "ŉ" => "ʼN",
            "ﬀ" => "FF",
            "ﬁ" => "FI",
            "ﬂ" => "FL",
            "ﬃ" => "FFI",
            "ﬄ" => "FFL",
            _ => character.ToUpperInvariant(),
        };

    private static string Character(string reference)
    {
        if (reference[1] == '#')
            return Numbered(reference[2..].TrimEnd(';'));
        for (int length = Math.Min(reference.Length - 1, Longest); length > 1; length--)
        {
            if (Names.TryGetValue(reference.Substring(1, length), out string? character))
                return character + reference[(1 + length)..];
        }
        return reference;
    }

    private static string Numbered(string digits)
    {
        bool hex = digits[0] is 'x' or 'X';
        digits = (hex ? digits[1..] : digits).TrimStart('0');
        // Longer ones are beyond Unicode.
        int code =
            digits.Length > 7 ? int.MaxValue
            : digits.Length == 0 ? 0
            : int.Parse(digits, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture);
        return code switch
        {
            0 or (>= 0xd800 and <= 0xdfff) or > 0x10ffff => "\ufffd",
            >= 0x80 and <= 0x9f => SingleByteEncoding.Windows1252.Decode((char)code).ToString(),
            < 0x20 and not (0x09 or 0x0a or 0x0c or 0x0d) or 0x7f or (>= 0xfdd0 and <= 0xfdef) => "",
            _ when (code & 0xfffe) == 0xfffe => "",
            _ => char.ConvertFromUtf32(code),
        };
    }

    [GeneratedRegex(
        @"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)",
        RegexOptions.CultureInvariant,
        Timeout.Infinite
    )]
    private static partial Regex Reference();

    [GeneratedRegex("&#?[0-9A-Za-z]{1,24};", RegexOptions.CultureInvariant, Timeout.Infinite)]
    private static partial Regex CertainReference();
}
