using System.Text;
using System.Text.RegularExpressions;

namespace Coser.Tokenization.Mending;

/// <summary>
/// Tells mojibake by neighbours that hardly meet in real text, such as an accented small letter before a currency sign: the
/// heuristic of ftfy 6 (its documentation, "How does ftfy detect mojibake?").
/// </summary>
internal static partial class Badness
{
    // Classes of characters that mojibake is made of, as the insides of [...].
    private const string Common = "\u00a0\u00ad·´–—―…’";
    private const string C1 = "\u0080-\u009f";
    private const string Bad = "¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\ufffdªº";
    private const string Law = "¶§";
    private const string Currency = "¢£¥₧€";
    private const string Opening = "¡«¿©΄΅‘‚“„•‹\uf8ff";
    private const string Closing = "®»˝”›™";
    private const string Numeric = "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№";
    private const string Box = "│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓";

    // Faces are made of these, too.
    private const string Face = "Ò-ÖÙ-Üò-öø-üŐŌŪŲ°";
    private const string Upper = "À-ÑØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ";
    private const string Lower = "ßà-ñăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ";

    // Letters of Greek, Cyrillic and Icelandic, which also end words.
    private const string UpperLetters = "ÞΑ-ΩΆΈΉΊΌΎΏΪΫЁ-Я";
    private const string LowerLetters = "α-ωάέήίΰа-џ";

    private const string Accented = Lower + Upper;
    private const string Signs = Opening + Closing + Currency + Numeric + Law + Box;

    private const string Neighbours = $$"""
        [{{C1}}]
        |[{{Bad}}{{Accented}}{{Signs}}][{{Bad}}] |[{{Bad}}][{{Accented}}{{Signs}}]
        |[a-zA-Z][{{LowerLetters}}{{UpperLetters}}][{{Bad}}]
        |[{{Lower}}{{LowerLetters}}{{Box}}{{Closing}}{{Currency}}{{Numeric}}][{{Upper}}]
        |[{{Box}}{{Closing}}{{Currency}}{{Numeric}}][{{Lower}}]
        |[{{Lower}}{{Box}}{{Closing}}][{{Currency}}]
        |[\s\x1c-\x1f][{{Upper}}][{{Currency}}]
        |[{{Upper}}{{Box}}][{{Numeric}}{{Law}}]
        |[{{Accented}}{{Box}}{{Currency}}{{Closing}}][{{Opening}}][{{Numeric}}]
        |[{{Accented}}{{Currency}}{{Numeric}}{{Box}}{{Law}}][{{Closing}}][{{Opening}}]
        |[{{Currency}}{{Numeric}}{{Box}}][{{Opening}}]
        |[a-z][{{Upper}}][{{Opening}}{{Currency}}]
        |[{{Box}}][{{Face}}]
        |[{{Accented}}{{Currency}}{{Numeric}}{{Opening}}{{Closing}}{{Law}}][{{Box}}]
        |[{{Box}}][{{Closing}}]
        |[{{Accented}}][{{Opening}}{{Closing}}][\p{L}\p{N}_]
        |[Œœ][^A-Za-z]
        |[{{Upper}}]°
        """;

    // Beginnings of characters that are frequent in UTF-8, one group a character set.
    private const string Windows1252 = $$"""
        [ÂÃÎÐ][€œŠš¢£Ÿž\u00a0\u00ad®©°·»{{Opening}}{{Closing}}–—´]
        |×[²³]
        |(?:[ØÙ][{{Common}}{{Currency}}{{Bad}}{{Numeric}}{{Opening}}ŸŠ®°µ»]){2}
        |à[²µ¹¼½¾]
        |Ã[\u00a0¡] |[a-z][\s\x1c-\x1f]?[ÃÂ][ ] |^[ÃÂ][ ]
        |[a-z.,?!{{Closing}}]Â[ {{Opening}}{{Closing}}]
        """;
    private const string MacRoman = "√[±∂†≠®™´≤≥¥µø] |≈[°¢] |‚Ä[ìîïòôúùû†°¢π] |‚[âó][àäê°]";
    private const string Cyrillic = $"вЂ |[ВГРС][{C1}{Bad}{Opening}{Closing}{Currency}°µ][ВГРС] |ГўВЂВ.[A-Za-z ]";
    private const string Greek = $@"β€[™\u00a0Ά\u00ad®°] |[ΒΓΞΟ][{C1}{Bad}{Opening}{Closing}{Currency}°][ΒΓΞΟ]";
    private const string Baltic = "ā€";

    /// <summary>Whether some of the text is likely mojibake.</summary>
    public static bool IsBad(string text) => Pattern().IsMatch(OneUnitEach(text));

    [GeneratedRegex(
        $"{Neighbours} |{Windows1252} |{MacRoman} |{Cyrillic} |{Greek} |{Baltic}",
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant,
        Timeout.Infinite
    )]
    private static partial Regex Pattern();

    // Regular expressions see halves of the characters beyond U+FFFF: stand-ins of the same kind, a letter or a star.
    private static string OneUnitEach(string text)
    {
        if (!text.Any(char.IsSurrogate))
            return text;
        var units = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            units.Append(
                rune.IsBmp ? (char)rune.Value
                : Rune.IsLetter(rune) || Rune.IsNumber(rune) ? '一'
                : '☆'
            );
        return units.ToString();
    }
}
