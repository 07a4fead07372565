using System.Text;

namespace Coser.Tokenization;

/// <summary>
/// Cuts a cleaned text as CLIP's regular expression does: special tokens, English contractions, runs of letters, single
/// digits, runs of anything else. By hand, since .NET's expressions see halves of the letters beyond U+FFFF.
/// </summary>
internal static class WordSplitter
{
    public const string StartOfText = "<start_of_text>";
    public const string EndOfText = "<end_of_text>";

    private static readonly string[] Fixed = [StartOfText, EndOfText, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind
    {
        Space,
        Letter,
        Digit,
        Other,
    }

    /// <summary>The words, without the white space between them.</summary>
    public static IEnumerable<string> Split(string text)
    {
        for (int start = 0, end; start < text.Length; start = end)
        {
            if (Fixed.FirstOrDefault(f => Begins(text, start, f)) is { } word)
            {
                end = start + word.Length;
                yield return text[start..end];
                continue;
            }
            Kind kind = KindAt(text, start, out end);
            if (kind is Kind.Letter or Kind.Other)
            {
                while (end < text.Length && KindAt(text, end, out int next) == kind)
                    end = next;
            }
            if (kind != Kind.Space)
                yield return text[start..end];
        }
    }

    // The reference ignores case, and the long s folds to s.
    private static bool Begins(string text, int start, string what)
    {
        if (text.Length - start < what.Length)
            return false;
        for (int i = 0; i < what.Length; i++)
        {
            char c = text[start + i];
            if ((c == 'ſ' ? 's' : c) != what[i])
                return false;
        }
        return true;
    }

    // The iota below is a mark whose capital is a letter: with case ignored, it is neither to the reference, and lost.
    private static Kind KindAt(string text, int start, out int end)
    {
        Rune.DecodeFromUtf16(text.AsSpan(start), out Rune rune, out int length);
        end = start + length;
        return Rune.IsWhiteSpace(rune) || rune.Value == 0x345 ? Kind.Space
            : Rune.IsLetter(rune) ? Kind.Letter
            : Rune.IsNumber(rune) ? Kind.Digit
            : Kind.Other;
    }
}
