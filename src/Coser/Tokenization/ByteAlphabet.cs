using System.Collections.Frozen;
using System.Text;

namespace Coser.Tokenization;

/// <summary>
/// GPT-2's printable stand-ins for the 256 bytes: a word is written as one character a byte of its UTF-8, so that every text
/// has tokens.
/// </summary>
public static class ByteAlphabet
{
    /// <summary>Ends the last symbol of a word.</summary>
    public const string WordEnd = "</w>";

    private static readonly byte[] Order =
    [
        .. Range('!', '~'),
        .. Range('¡', '¬'),
        .. Range('®', 'ÿ'),
        .. Range(0, ' '),
        .. Range(0x7f, 0xa0),
        0xad,
    ];

    private static readonly FrozenDictionary<byte, char> LetterOf = Order
        .Select(
            (value, place) =>
                (value, Letter: place < PrintableCount ? (char)value : (char)(0x100 + place - PrintableCount))
        )
        .ToFrozenDictionary(b => b.value, b => b.Letter);

    private static readonly FrozenDictionary<char, byte> Bytes = LetterOf.ToFrozenDictionary(b => b.Value, b => b.Key);

    private const int PrintableCount = 188;

    /// <summary>The 512 tokens that any vocabulary begins with: every byte, then every byte that ends a word.</summary>
    public static IReadOnlyList<string> Tokens { get; } =
    [.. Order.Select(b => LetterOf[b].ToString()), .. Order.Select(b => LetterOf[b] + WordEnd)];

    /// <summary>A word as one letter a byte of its UTF-8.</summary>
    /// <param name="word">Any; half a character counts as U+FFFD.</param>
    public static string Letters(string word) => string.Concat(Encoding.UTF8.GetBytes(word).Select(b => LetterOf[b]));

    /// <summary>A word as symbols of one byte, the last with <see cref="WordEnd"/>.</summary>
    /// <param name="word">Not empty.</param>
    public static string[] Symbols(string word)
    {
        string[] symbols = [.. Letters(word).Select(c => c.ToString())];
        symbols[^1] += WordEnd;
        return symbols;
    }

    /// <summary>The text that tokens stand for, words parted by spaces; bytes that are no UTF-8 become U+FFFD.</summary>
    internal static string Text(IEnumerable<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (string token in tokens)
        {
            bool ends = token.EndsWith(WordEnd, StringComparison.Ordinal);
            bytes.AddRange((ends ? token[..^WordEnd.Length] : token).Select(c => Bytes[c]));
            if (ends)
                bytes.Add((byte)' ');
        }
        return Encoding.UTF8.GetString([.. bytes]).TrimEnd(' ');
    }

    /// <summary>Whether a token consists of byte letters, perhaps with an end.</summary>
    internal static bool IsToken(string token)
    {
        ReadOnlySpan<char> letters = token.EndsWith(WordEnd, StringComparison.Ordinal)
            ? token.AsSpan(..^WordEnd.Length)
            : token;
        foreach (char c in letters)
        {
            if (!Bytes.ContainsKey(c))
                return false;
        }
        return letters.Length > 0;
    }

    private static IEnumerable<byte> Range(int first, int last) =>
        Enumerable.Range(first, last - first + 1).Select(b => (byte)b);
}
