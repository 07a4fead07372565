using System.Runtime.InteropServices;
using Coser.Tokenization;

namespace Coser.Training.Text;

/// <summary>
/// Learns the merges of a small vocabulary from captions (Sennrich et al., ACL 2016): again and again the most frequent pair of
/// neighbouring symbols becomes one symbol. Any text stays encodable: the 512 byte tokens are always there.
/// </summary>
public sealed class BpeTrainer
{
    /// <summary>Byte tokens and the two special ones.</summary>
    public const int SmallestVocabulary = 514;

    /// <summary>CLIP's own size; a vocabulary needs no more.</summary>
    public const int LargestVocabulary = 49408;

    private readonly List<(string[] Symbols, long Count)> _words = [];
    private readonly Dictionary<(string First, string Second), long> _counts = [];
    private readonly Dictionary<(string First, string Second), HashSet<int>> _places = [];

    private BpeTrainer(IEnumerable<string> captions)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string word in captions.SelectMany(ClipTokenizer.Words))
            CollectionsMarshal.GetValueRefOrAddDefault(counts, word, out _)++;
        foreach ((string word, long count) in counts)
        {
            _words.Add((ByteAlphabet.Symbols(word), count));
            Enter(_words.Count - 1, +1);
        }
    }

    /// <summary>
    /// The merges in the order they were learnt. Equally frequent pairs go by ordinal order, so that the same captions in any
    /// order give the same merges.
    /// </summary>
    /// <param name="captions">Texts, cleaned and cut into words as <see cref="ClipTokenizer"/> does; read once.</param>
    /// <param name="vocabularySize">
    /// Tokens in all, <see cref="SmallestVocabulary"/> to <see cref="LargestVocabulary"/>. There are fewer when no pair is left
    /// that occurs twice.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The size is outside its range.</exception>
    public static IReadOnlyList<(string First, string Second)> Learn(IEnumerable<string> captions, int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, SmallestVocabulary);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(vocabularySize, LargestVocabulary);
        var trainer = new BpeTrainer(captions);
        var merges = new List<(string, string)>();
        while (merges.Count < vocabularySize - SmallestVocabulary && trainer.Best() is { } pair)
        {
            merges.Add(pair);
            trainer.Merge(pair);
        }
        return merges;
    }

    /// <summary>Learns merges and writes <c>merges.txt</c>, which <see cref="ClipTokenizer.Open"/> reads.</summary>
    /// <param name="captions">As <see cref="Learn"/> takes them.</param>
    /// <param name="vocabularySize">As <see cref="Learn"/> takes it.</param>
    /// <param name="folder">A model directory's <c>tokenizer/</c>; made if need be.</param>
    /// <returns>Tokens of the vocabulary that was written, the two special ones included.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is outside its range.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static int Train(IEnumerable<string> captions, int vocabularySize, string folder)
    {
        IReadOnlyList<(string First, string Second)> merges = Learn(captions, vocabularySize);
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, "merges.txt");
        string content = string.Concat(merges.Select(m => $"{m.First} {m.Second}\n").Prepend("#version: 0.2\n"));
        File.WriteAllText(file + ".tmp", content);
        File.Move(file + ".tmp", file, overwrite: true);
        return SmallestVocabulary + merges.Count;
    }

    private (string First, string Second)? Best()
    {
        ((string First, string Second) Pair, long Count) best = (("", ""), 1);
        foreach (((string First, string Second) pair, long count) in _counts)
        {
            if (count > best.Count || (count == best.Count && count > 1 && Compare(pair, best.Pair) < 0))
                best = (pair, count);
        }
        return best.Count > 1 ? best.Pair : null;
    }

    private static int Compare((string First, string Second) a, (string First, string Second) b)
    {
        int first = string.CompareOrdinal(a.First, b.First);
        return first != 0 ? first : string.CompareOrdinal(a.Second, b.Second);
    }

    private void Merge((string First, string Second) pair)
    {
        foreach (int word in _places[pair].ToArray())
        {
            Enter(word, -1);
            string[] symbols = _words[word].Symbols;
            var joined = new List<string>(symbols.Length);
            for (int i = 0; i < symbols.Length; i++)
            {
                bool joins = i + 1 < symbols.Length && (symbols[i], symbols[i + 1]) == pair;
                joined.Add(joins ? symbols[i] + symbols[++i] : symbols[i]);
            }
            _words[word] = ([.. joined], _words[word].Count);
            Enter(word, +1);
        }
    }

    /// <summary>Adds a word's pairs to the counts, or takes them away.</summary>
    private void Enter(int word, int sign)
    {
        (string[] symbols, long count) = _words[word];
        for (int i = 0; i + 1 < symbols.Length; i++)
        {
            (string, string) pair = (symbols[i], symbols[i + 1]);
            ref long total = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _);
            total += sign * count;
            if (total == 0)
            {
                _counts.Remove(pair);
                _places.Remove(pair);
            }
            else if (sign > 0)
                (CollectionsMarshal.GetValueRefOrAddDefault(_places, pair, out _) ??= []).Add(word);
        }
    }
}
