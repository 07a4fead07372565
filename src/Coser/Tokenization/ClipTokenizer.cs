using Coser.Checkpoints;
using Microsoft.ML.Tokenizers;

namespace Coser.Tokenization;

/// <summary>
/// CLIP's tokenizer, as open_clip 2.20 has it (<c>SimpleTokenizer</c>, first published with Radford et al., ICML 2021): the text
/// is mended, put into small letters and cut into words, whose bytes are joined in the order of the vocabulary's merges
/// (Sennrich et al., ACL 2016). Safe to use from several threads.
/// </summary>
public sealed class ClipTokenizer
{
    /// <summary>Tokens of a text in published models.</summary>
    public const int DefaultContextLength = 77;

    private readonly BpeVocabulary _vocabulary;

    // The package does the merging; it knows neither CLIP's cleaning nor its words beyond U+FFFF, and has no trainer.
    private readonly BpeTokenizer _merger;

    private ClipTokenizer(BpeVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        _merger = BpeTokenizer.Create(
            new BpeOptions(vocabulary.Ids) { Merges = vocabulary.Merges, EndOfWordSuffix = ByteAlphabet.WordEnd }
        );
    }

    /// <summary>Number of ids, the last of which is <see cref="EndId"/>.</summary>
    public int VocabularySize => _vocabulary.Size;

    /// <summary>What every text begins with; also <c>&lt;start_of_text&gt;</c> within a text.</summary>
    public int StartId => _vocabulary.StartId;

    /// <summary>What every text ends with; also <c>&lt;end_of_text&gt;</c> within a text.</summary>
    public int EndId => _vocabulary.EndId;

    /// <summary>
    /// Opens the tokenizer of a model: <c>merges.txt</c> or <c>bpe_simple_vocab_16e6.txt</c>, plain or gzipped, a header and a
    /// merge a line. <c>vocab.json</c> beside it gives the ids; without it they are the 512 byte tokens, the merges in order,
    /// start and end.
    /// </summary>
    /// <param name="folder">A model directory's <c>tokenizer/</c>.</param>
    /// <exception cref="CheckpointException">A file is missing, damaged, larger than 16 MB or inconsistent.</exception>
    public static ClipTokenizer Open(string folder) => new(BpeVocabulary.Read(folder));

    /// <summary>Cleans a text as <see cref="Encode"/> does and cuts it into words.</summary>
    /// <param name="text">Any.</param>
    /// <returns>Words in small letters, punctuation and single digits apart, without white space.</returns>
    public static IEnumerable<string> Words(string text) => WordSplitter.Split(TextCleaning.Clean(text));

    /// <summary>
    /// Ids of the empty text, the same in every vocabulary: start and end of text are its last two, the rest is filled with 0.
    /// </summary>
    /// <param name="contextLength">Ids, at least 2.</param>
    /// <param name="vocabularySize">Of the network's embedding.</param>
    public static long[] Empty(int contextLength, int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(contextLength, 2);
        var ids = new long[contextLength];
        (ids[0], ids[1]) = (vocabularySize - 2, vocabularySize - 1);
        return ids;
    }

    /// <summary>The ids of a text: start, tokens, end, zeros. What is too long is cut off before the end token.</summary>
    /// <param name="text">Any; empty gives start and end. Time grows with the square of its longest word.</param>
    /// <param name="contextLength">Ids to return, at least 2.</param>
    /// <returns>[contextLength], each in [0, <see cref="VocabularySize"/>).</returns>
    /// <exception cref="ArgumentOutOfRangeException">The context is shorter than 2.</exception>
    public long[] Encode(string text, int contextLength = DefaultContextLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(contextLength, 2);
        var ids = new long[contextLength];
        ids[0] = StartId;
        int count = 1;
        foreach (int id in Words(text).SelectMany(Ids).Take(contextLength - 2))
            ids[count++] = id;
        ids[count] = EndId;
        return ids;
    }

    /// <summary>What ids stand for, in small letters, words parted by spaces: to look at, not to restore a text exactly.</summary>
    /// <param name="ids">Up to the end token, if there is one; start tokens are left out.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    public string Decode(IEnumerable<long> ids) =>
        ByteAlphabet.Text(ids.TakeWhile(id => id != EndId).Where(id => id != StartId).Select(Token));

    private string Token(long id) =>
        id >= 0 && id < VocabularySize
            ? _vocabulary.Token((int)id)
            : throw new ArgumentOutOfRangeException(nameof(id), id, $"ids are below {VocabularySize}");

    private IReadOnlyList<int> Ids(string word) =>
        word switch
        {
            WordSplitter.StartOfText => [StartId],
            WordSplitter.EndOfText => [EndId],
            _ => _merger.EncodeToIds(
                ByteAlphabet.Letters(word),
                considerPreTokenization: false,
                considerNormalization: false
            ),
        };
}
