using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coser.Tokenization;

namespace Coser.Tests.Fixtures;

internal static partial class TokenizerFixtures
{
    [FixtureKind("clip_tokenizer")]
    public static void Prompts(FixtureCase fixture)
    {
        // The merges are other people's data, so only a set of golden numbers from outside has them.
        string merges = Path.Combine(fixture.Folder, "..", "clip_bpe");
        if (!Directory.Exists(merges))
            Assert.Skip("no folder clip_bpe with CLIP's merges lies beside the case");
        ClipTokenizer tokenizer = ClipTokenizer.Open(merges);
        Assert.Equal(fixture.Config.GetProperty("sot").GetInt32(), tokenizer.StartId);
        Assert.Equal(fixture.Config.GetProperty("eot").GetInt32(), tokenizer.EndId);

        int length = fixture.Config.GetProperty("context_length").GetInt32();
        using var prompts = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(fixture.Folder, "prompts.json")));
        string[] texts = [.. prompts.RootElement.EnumerateArray().Select(p => Text(p.GetProperty("text")))];
        Assert.Equal([texts.Length, length], fixture.Expected("ids").shape);
        long[] expected = fixture.Expected("ids").data<long>().ToArray();
        string[] wrong =
        [
            .. texts
                .Select((text, i) => (text, i, Ids: tokenizer.Encode(text, length)))
                .Where(t => !t.Ids.AsSpan().SequenceEqual(expected.AsSpan(t.i * length, length)))
                .Select(t => $"{t.i}: {JsonSerializer.Serialize(t.text)} -> {string.Join(' ', t.Ids)}"),
        ];
        Assert.True(wrong.Length == 0, $"{wrong.Length} of {texts.Length} differ\n{string.Join('\n', wrong)}");
    }

    [FixtureKind("clip_bpe")]
    public static void Merges(FixtureCase fixture)
    {
        string use = fixture.Description.GetProperty("use").GetString()!;
        int merges = int.Parse(LastLine().Match(use).Value, CultureInfo.InvariantCulture);
        ClipTokenizer tokenizer = ClipTokenizer.Open(fixture.Folder);
        Assert.Equal(2 * 256 + merges + 2, tokenizer.VocabularySize);
        Assert.Equal(tokenizer.VocabularySize - 2, tokenizer.StartId);
        Assert.Equal(tokenizer.VocabularySize - 1, tokenizer.EndId);
    }

    // A prompt may hold half a character, which the reader of JSON refuses.
    private static string Text(JsonElement prompt) =>
        Escape()
            .Replace(
                prompt.GetRawText()[1..^1],
                m =>
                    m.Value[1] switch
                    {
                        'u' => ((char)Convert.ToInt32(m.Value[2..], 16)).ToString(),
                        'n' => "\n",
                        'r' => "\r",
                        't' => "\t",
                        'b' => "\b",
                        'f' => "\f",
                        _ => m.Value[1..],
                    }
            );

    [GeneratedRegex(@"\\(?:u[0-9a-fA-F]{4}|.)", RegexOptions.None, 1000)]
    private static partial Regex Escape();

    [GeneratedRegex(@"(?<=\.\.)\d+", RegexOptions.None, 1000)]
    private static partial Regex LastLine();
}
