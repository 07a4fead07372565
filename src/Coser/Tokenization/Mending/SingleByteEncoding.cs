using System.Collections.Frozen;

namespace Coser.Tokenization.Mending;

/// <summary>
/// A character set of one byte a character, as a decoder that took UTF-8 for it would have used it. Bytes are written as a
/// string of the characters U+0000 to U+00FF, so that regular expressions can look at them.
/// </summary>
internal sealed class SingleByteEncoding
{
    // A sloppy set takes a byte that it does not define for that of Latin-1, and U+FFFD for byte 1A: something was lost.
    private readonly FrozenDictionary<char, char> _bytes;
    private readonly string _high;

    private SingleByteEncoding(string high, bool sloppy = true, bool restoresSpaces = true)
    {
        (_high, Sloppy, RestoresSpaces) = (high, sloppy, restoresSpaces);
        _bytes = Enumerable
            .Range(0, 256)
            .Select(b => (char)b)
            .ToFrozenDictionary(b => b == '\u001a' && sloppy ? '\ufffd' : Decode(b));
    }

    public static SingleByteEncoding Latin1 { get; } =
        new(string.Concat(Enumerable.Range(0x80, 0x80).Select(b => (char)b)), sloppy: false);

    public static SingleByteEncoding Windows1252 { get; } =
        new(
            "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿"
                + "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"
        );

    /// <summary>windows-1251, -1250, -1253, -1254, -1257.</summary>
    private static readonly SingleByteEncoding[] OtherWindows =
    [
        new(
            "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u0098™љ›њќћџ\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї"
                + "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя"
        ),
        new(
            "€\u0081‚\u0083„…†‡\u0088‰Š‹ŚŤŽŹ\u0090‘’“”•–—\u0098™š›śťžź\u00a0ˇ˘Ł¤Ą¦§¨©Ş«¬\u00ad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż"
                + "ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙"
        ),
        new(
            "€\u0081‚ƒ„…†‡\u0088‰\u008a‹\u008c\u008d\u008e\u008f\u0090‘’“”•–—\u0098™\u009a›\u009c\u009d\u009e\u009f"
                + "\u00a0΅Ά£¤¥¦§¨©ª«¬\u00ad®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ"
                + "ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώÿ"
        ),
        new(
            "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008d\u008e\u008f\u0090‘’“”•–—˜™š›œ\u009d\u009eŸ\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿"
                + "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ"
        ),
        new(
            "€\u0081‚\u0083„…†‡\u0088‰\u008a‹\u008c¨ˇ¸\u0090‘’“”•–—\u0098™\u009a›\u009c¯˛\u009f"
                + "\u00a0¡¢£¤¥¦§Ø©Ŗ«¬\u00ad®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ"
                + "ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙"
        ),
    ];

    /// <summary>iso-8859-2, MacRoman, code page 437.</summary>
    private static readonly SingleByteEncoding[] Others =
    [
        new(
            string.Concat(Enumerable.Range(0x80, 0x20).Select(b => (char)b))
                + "\u00a0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u00adŽŻ°ą˛ł´ľśˇ¸šşťź˝žż"
                + "ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
            sloppy: false
        ),
        // Its byte for an en dash before a space would be taken for a damaged letter.
        new(
            "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø"
                + "¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ",
            sloppy: false,
            restoresSpaces: false
        ),
        new(
            "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
                + "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0",
            sloppy: false
        ),
    ];

    /// <summary>All, the likelier before the less likely.</summary>
    public static IReadOnlyList<SingleByteEncoding> All { get; } = [Latin1, Windows1252, .. OtherWindows, .. Others];

    /// <summary>Those that resemble Latin-1 in where their letters are.</summary>
    public static IReadOnlyList<SingleByteEncoding> Alike { get; } = [Latin1, Windows1252, .. OtherWindows];

    /// <summary>Whether undefined bytes and lost characters are let through.</summary>
    public bool Sloppy { get; }

    /// <summary>Whether a space in place of byte A0 may be put right.</summary>
    public bool RestoresSpaces { get; }

    public char Decode(char value) => value < 0x80 ? value : _high[value - 0x80];

    /// <summary>The bytes of a text, or null when it has a character that the set has not.</summary>
    public string? Encode(string text)
    {
        char[] bytes = new char[text.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!_bytes.TryGetValue(text[i], out bytes[i]))
                return null;
        }
        return new string(bytes);
    }
}
