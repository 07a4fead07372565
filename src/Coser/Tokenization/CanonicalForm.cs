using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Coser.Tokenization;

/// <summary>
/// Normalisation form C (Unicode Standard Annex 15). The program runs without ICU, where
/// <see cref="string.Normalize()"/> leaves a text as it is.
/// </summary>
internal static class CanonicalForm
{
    // Hangul syllables are made by arithmetic (the Unicode Standard, section 3.12).
    private const int Syllables = 0xac00;
    private const int Leading = 0x1100;
    private const int Vowels = 0x1161;
    private const int Trailing = 0x11a7;
    private const int LeadingCount = 19;
    private const int VowelCount = 21;
    private const int TrailingCount = 28;
    private const int SyllableCount = LeadingCount * VowelCount * TrailingCount;

    // Nothing below it changes.
    private const char FirstAffected = '\u0300';

    private static readonly FrozenDictionary<int, int[]> Decompositions;
    private static readonly FrozenDictionary<(int, int), int> Compositions;
    private static readonly FrozenDictionary<int, int> Classes;

    static CanonicalForm()
    {
        var decompositions = new Dictionary<int, int[]>();
        var compositions = new Dictionary<(int, int), int>();
        var classes = new Dictionary<int, int>();
        foreach (string[] line in UnicodeTable.Read("canonical.txt"))
        {
            if (line[0][0] == '=')
            {
                foreach (string range in line[1..])
                {
                    string[] ends = range.Split("..");
                    for (int c = Hex(ends[0]); c <= Hex(ends[^1]); c++)
                        classes[c] = int.Parse(line[0][1..], CultureInfo.InvariantCulture);
                }
                continue;
            }
            int code = Hex(line[0].TrimStart('-'));
            int[] parts = [.. line[1..].Select(Hex)];
            decompositions[code] = parts;
            if (line[0][0] != '-')
                compositions[(parts[0], parts[1])] = code;
        }
        Decompositions = decompositions.ToFrozenDictionary();
        Compositions = compositions.ToFrozenDictionary();
        Classes = classes.ToFrozenDictionary();
    }

    /// <summary>The composed form of a text without lone surrogates.</summary>
    public static string Compose(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstAffected, '\uffff'))
            return text;
        var codes = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            Decompose(rune.Value, codes);
        Order(codes);
        Join(codes);
        var composed = new StringBuilder(text.Length);
        foreach (int code in codes)
            composed.Append(new Rune(code));
        return composed.ToString();
    }

    private static void Decompose(int code, List<int> into)
    {
        int syllable = code - Syllables;
        if (syllable is >= 0 and < SyllableCount)
        {
            into.Add(Leading + syllable / (VowelCount * TrailingCount));
            into.Add(Vowels + syllable / TrailingCount % VowelCount);
            if (syllable % TrailingCount > 0)
                into.Add(Trailing + syllable % TrailingCount);
        }
        else if (Decompositions.TryGetValue(code, out int[]? parts))
        {
            foreach (int part in parts)
                Decompose(part, into);
        }
        else
            into.Add(code);
    }

    /// <summary>Marks of one character, by class; equal ones keep their order.</summary>
    private static void Order(List<int> codes)
    {
        for (int start = 0; start < codes.Count; start++)
        {
            int end = start;
            while (end < codes.Count && Class(codes[end]) > 0)
                end++;
            if (end - start < 2)
                continue;
            int[] sorted = [.. codes[start..end].OrderBy(Class)];
            for (int i = 0; i < sorted.Length; i++)
                codes[start + i] = sorted[i];
            start = end;
        }
    }

    private static void Join(List<int> codes)
    {
        int starter = -1;
        int last = 0;
        int kept = 0;
        for (int i = 0; i < codes.Count; i++)
        {
            int code = codes[i];
            int own = Class(code);
            bool adjacent = starter >= 0 && kept == starter + 1;
            // A mark reaches its starter unless one of its class or higher, or another starter, stands between.
            if (starter >= 0 && (adjacent || (last > 0 && last < own)) && Pair(codes[starter], code) is { } pair)
            {
                codes[starter] = pair;
                continue;
            }
            if (own == 0)
                starter = kept;
            last = own;
            codes[kept++] = code;
        }
        codes.RemoveRange(kept, codes.Count - kept);
    }

    private static int? Pair(int first, int second)
    {
        if (first - Leading is >= 0 and < LeadingCount and int l && second - Vowels is >= 0 and < VowelCount and int v)
            return Syllables + (l * VowelCount + v) * TrailingCount;
        if (
            first - Syllables is >= 0 and < SyllableCount and int s
            && s % TrailingCount == 0
            && second - Trailing is > 0 and < TrailingCount and int t
        )
            return first + t;
        return Compositions.TryGetValue((first, second), out int composed) ? composed : null;
    }

    private static int Class(int code) => Classes.GetValueOrDefault(code);

    private static int Hex(string digits) => Convert.ToInt32(digits, 16);
}
