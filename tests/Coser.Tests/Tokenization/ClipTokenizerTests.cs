using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Coser.Checkpoints;
using Coser.Tokenization;
using Coser.Training.Text;
using FsCheck.Xunit;

namespace Coser.Tests.Tokenization;

public sealed class ClipTokenizerTests : IDisposable
{
    private static readonly string[] Captions =
    [
        "a photo of a red house by the lake",
        "a photo of two red boats on a lake",
        "the lake house, seen from a boat",
        "it's a red café — 12 seats",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_trained_vocabulary_opens_and_gives_texts_back()
    {
        int size = BpeTrainer.Train(Captions, 600, _folder.Path);
        ClipTokenizer tokenizer = ClipTokenizer.Open(_folder.Path);
        Assert.Equal((size, size - 2, size - 1), (tokenizer.VocabularySize, tokenizer.StartId, tokenizer.EndId));
        Assert.InRange(size, BpeTrainer.SmallestVocabulary + 10, 600);
        foreach (string text in new[] { "a photo of a red house", "an unseen zebra über 日本", "1 2 😀" })
        {
            long[] ids = tokenizer.Encode(text);
            Assert.Equal(text, tokenizer.Decode(ids));
            Assert.Equal(tokenizer.StartId, ids[0]);
        }
        // Frequent words are one token.
        Assert.Equal([tokenizer.StartId, tokenizer.Encode("red")[1], tokenizer.EndId, 0], tokenizer.Encode("Red ", 4));
    }

    [Fact]
    public void Training_does_not_depend_on_the_order_of_captions()
    {
        Assert.Equal(BpeTrainer.Learn(Captions, 560), BpeTrainer.Learn(Captions.Reverse(), 560));
        Assert.Equal([("a", "b</w>"), ("c", "ab</w>")], BpeTrainer.Learn(["cab", "cab", "ab ab"], 4096));
        Assert.Empty(BpeTrainer.Learn(["ab"], 4096));
        Assert.Throws<ArgumentOutOfRangeException>(() => BpeTrainer.Learn([], 513));
    }

    [Fact]
    public void Merges_apply_by_rank_and_to_every_place_from_the_left()
    {
        ClipTokenizer tokenizer = Write("#version: 0.2\nb c\na a\na b\naa a</w>\n");
        Assert.Equal(518, tokenizer.VocabularySize);
        int a = Array.IndexOf([.. ByteAlphabet.Tokens], "a");
        int end = Array.IndexOf([.. ByteAlphabet.Tokens], "c</w>");
        Assert.Equal([516, a, 512, end, 517], tokenizer.Encode("abcc", 5));
        Assert.Equal([516, 513, 515, 517, 0], tokenizer.Encode("aaaaa", 5));
    }

    [Fact]
    public void Threads_may_share_a_tokenizer()
    {
        BpeTrainer.Train(Captions, 560, _folder.Path);
        string[] texts = [.. Enumerable.Range(0, 400).Select(i => $"{Captions[i % 4]} {i % 7} lake{i % 40}")];
        ClipTokenizer alone = ClipTokenizer.Open(_folder.Path);
        ClipTokenizer shared = ClipTokenizer.Open(_folder.Path);
        Assert.Equal(
            texts.Select(t => alone.Encode(t)),
            texts.AsParallel().AsOrdered().WithDegreeOfParallelism(4).Select(t => shared.Encode(t))
        );
    }

    [Fact]
    public void Special_texts_are_special_tokens()
    {
        ClipTokenizer tokenizer = Write("#version: 0.2\n");
        Assert.Equal([512, 512, 513, 512, 513], tokenizer.Encode("<start_of_text> <END_OF_TEXT> <start_of_text>", 5));
        Assert.Equal("", tokenizer.Decode(tokenizer.Encode("")));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([514]));
    }

    [Theory]
    [InlineData(2, "s e")]
    [InlineData(3, "s x e")]
    [InlineData(5, "s x y z e")]
    [InlineData(6, "s x y z e 0")]
    public void What_is_too_long_ends_with_the_end(int length, string expected)
    {
        ClipTokenizer tokenizer = Write("#version: 0.2\n");
        string[] tokens = [.. ByteAlphabet.Tokens];
        IEnumerable<long> ids = expected
            .Split(' ')
            .Select(t =>
                t switch
                {
                    "s" => 512L,
                    "e" => 513,
                    "0" => 0,
                    _ => Array.IndexOf(tokens, t + "</w>"),
                }
            );
        Assert.Equal(ids, tokenizer.Encode("x y z", length));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Encode("x", 1));
    }

    [Fact]
    public void Ids_come_from_vocab_json_where_there_is_one()
    {
        string[] tokens = ["ab</w>", .. ByteAlphabet.Tokens.Reverse(), "<|startoftext|>", "<|endoftext|>"];
        ClipTokenizer tokenizer = Write("#version: 0.2\r\na b</w>\r\n", Json(tokens));
        Assert.Equal([513, 0, 514], tokenizer.Encode("ab", 3));
    }

    [Fact]
    public void Gzipped_merges_are_read()
    {
        File.WriteAllBytes(_folder.File("merges.txt.gz"), Gzip("#version: 0.2\na b\n"));
        Assert.Equal(515, ClipTokenizer.Open(_folder.Path).VocabularySize);
    }

    [Theory]
    [InlineData("", "first line must be a header")]
    [InlineData("a b\nc d\n", "first line must be a header")]
    [InlineData("#version: 0.2\na b c\n", "line 2 is not two symbols")]
    [InlineData("#version: 0.2\n\na b\n", "line 2 is not two symbols")]
    [InlineData("#version: 0.2\na 日\n", "line 2 is not two symbols")]
    [InlineData("#version: 0.2\na b\na b\n", "line 3 repeats a pair")]
    [InlineData("#version: 0.2\nab c\n", "line 2 joins a symbol that no line before makes")]
    public void Damaged_merges_are_refused(string merges, string reason) => Refused(() => Write(merges), reason);

    [Theory]
    [InlineData("[]", "not an object of tokens")]
    [InlineData("{\"a\": 0,", "not an object of tokens")]
    [InlineData("{\"a\": 0, \"a\": 1}", "not an object of tokens")]
    [InlineData("{\"a\": 1.5}", "not an object of tokens")]
    [InlineData("{\"a\": 7}", "its ids must be 0 to 0")]
    [InlineData("{\"a\": 0, \"b\": 0}", "its ids must be 0 to 1")]
    [InlineData("{\"日\": 0}", "token 0 is not written in the letters of bytes")]
    [InlineData("null", "its last token must be the end")]
    [InlineData("{\"<|startoftext|>\": 0, \"<|endoftext|>\": 1}", "lacks the token !")]
    [InlineData("{\"<|endoftext|>\": 0, \"<|startoftext|>\": 1}", "its last token must be the end")]
    public void Damaged_vocabularies_are_refused(string json, string reason) =>
        Refused(() => Write("#version: 0.2\n", json), reason);

    [Fact]
    public void A_merge_without_a_token_is_refused() =>
        Refused(
            () => Write("#version: 0.2\na b\n", Json([.. ByteAlphabet.Tokens, "<start_of_text>", "<end_of_text>"])),
            "line 2 makes a token that vocab.json lacks"
        );

    [Fact]
    public void Bombs_and_broken_archives_are_refused()
    {
        string file = _folder.File("merges.txt.gz");
        byte[] good = Gzip("#version: 0.2\n" + string.Concat(Enumerable.Repeat("a b c d e f g\n", 5000)));
        File.WriteAllBytes(file, good[..^20]);
        Refused(() => ClipTokenizer.Open(_folder.Path), "merges.txt.gz: ");
        File.WriteAllBytes(file, [1, 2, 3, 4, 5]);
        Refused(() => ClipTokenizer.Open(_folder.Path), "merges.txt.gz: ");
        File.WriteAllBytes(file, Gzip(new string('a', 64 << 20)));
        Refused(() => ClipTokenizer.Open(_folder.Path), "it holds more than 16 MB");
        File.WriteAllBytes(file, Gzip([0x23, 0xff, 0xfe]));
        Refused(() => ClipTokenizer.Open(_folder.Path), "it is not UTF-8");
        File.Delete(file);
        Refused(() => ClipTokenizer.Open(_folder.Path), "it has no tokenizer");
    }

    [Property(MaxTest = 300)]
    public void Any_text_has_ids(string? text, bool garble)
    {
        if (!File.Exists(_folder.File("merges.txt")))
            BpeTrainer.Train(Captions, 540, _folder.Path);
        ClipTokenizer tokenizer = ClipTokenizer.Open(_folder.Path);
        text ??= "";
        string input = garble ? Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text)) : text;
        long[] ids = tokenizer.Encode(input, 16);
        Assert.Equal(16, ids.Length);
        Assert.Equal(tokenizer.StartId, ids[0]);
        Assert.Contains(tokenizer.EndId, ids);
        Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
    }

    private ClipTokenizer Write(string merges, string? json = null)
    {
        File.WriteAllText(_folder.File("merges.txt"), merges);
        if (json is not null)
            File.WriteAllText(_folder.File("vocab.json"), json);
        return ClipTokenizer.Open(_folder.Path);
    }

    private static string Json(string[] tokens) =>
        JsonSerializer.Serialize(tokens.Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id));

    private static byte[] Gzip(string text) => Gzip(Encoding.UTF8.GetBytes(text));

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(content);
        return packed.ToArray();
    }

    private static void Refused(Action open, string reason)
    {
        var e = Assert.Throws<CheckpointException>(open);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.InRange(e.Message.Length, 1, 400);
    }
}
