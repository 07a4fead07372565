using System.IO.Compression;
using System.Text.Json;

namespace Coser.Checkpoints.Conversion;

/// <summary>
/// CLIP's vocabulary in a model directory: <c>tokenizer/bpe_simple_vocab_16e6.txt.gz</c>, or <c>tokenizer/vocab.json</c> and
/// <c>tokenizer/merges.txt</c>. The user's own files are copied; the program has none.
/// </summary>
internal static class TokenizerFiles
{
    public const string Folder = "tokenizer";
    private const string Packed = "bpe_simple_vocab_16e6.txt.gz";
    private const string Vocabulary = "vocab.json";
    private const string Merges = "merges.txt";
    private const long MaxBytes = 16L << 20;

    /// <summary>The files to copy.</summary>
    /// <param name="path">A vocabulary file, or the folder with it.</param>
    /// <exception cref="CheckpointException">There are none, or they are not sound.</exception>
    public static IReadOnlyList<string> Find(string path)
    {
        string[] files = Directory.Exists(path)
            ? File.Exists(Path.Combine(path, Packed))
                ? [Packed]
                : [Vocabulary, Merges]
            : Path.GetFileName(path) == Packed
                ? [Packed]
                : Path.GetFileName(path) is Vocabulary or Merges
                    ? [Vocabulary, Merges]
                    : throw new CheckpointException(
                        path,
                        $"--tokenizer takes {Packed}, or {Vocabulary} with {Merges} beside it"
                    );
        string folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] found = [.. files.Select(f => Path.Combine(folder, f))];
        foreach (string file in found)
            Check(file);
        return found;
    }

    private static void Check(string file)
    {
        if (!File.Exists(file))
            throw new CheckpointException(
                file,
                $"it is missing; a vocabulary is {Packed}, or {Vocabulary} and {Merges}"
            );
        if (new FileInfo(file).Length > MaxBytes)
            throw new CheckpointException(file, $"it is larger than {MaxBytes >> 20} MiB, so it is no vocabulary");
        try
        {
            bool isSound = Path.GetFileName(file) switch
            {
                Packed => AreMerges(Unpack(file)),
                Vocabulary => IsVocabulary(file),
                _ => AreMerges(File.ReadLines(file)),
            };
            if (!isSound)
                throw new CheckpointException(file, "it is no vocabulary of CLIP");
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or IOException)
        {
            throw new CheckpointException(file, $"it is no vocabulary of CLIP: {e.Message}", e);
        }
    }

    // A line of comment, then two pieces a line.
    private static bool AreMerges(IEnumerable<string> lines) =>
        lines.Skip(1).Take(100).ToList() is { Count: > 0 } some
        && some.TrueForAll(l => l.Length == 0 || l.Split(' ').Length == 2);

    private static string[] Unpack(string file)
    {
        using var stream = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        char[] start = new char[1 << 14];
        int length = reader.ReadBlock(start);
        // The last line may be cut.
        return new string(start, 0, length).Split('\n')[..^1];
    }

    private static bool IsVocabulary(string file)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
        return json.RootElement.ValueKind == JsonValueKind.Object
            && json.RootElement.EnumerateObject().Take(100).All(p => p.Value.ValueKind == JsonValueKind.Number);
    }
}
