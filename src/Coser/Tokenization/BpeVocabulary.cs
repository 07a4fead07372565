using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Tokenization;

/// <summary>The tokens of a byte-pair encoding and the pairs that make them.</summary>
internal sealed class BpeVocabulary
{
    private const int MaxBytes = 16 << 20;
    private const string JsonName = "vocab.json";

    // CLIP's list goes on, but its vocabulary ends at 49152 - 256 - 2 merges.
    private const int MaxMerges = 48894;

    private static readonly JsonSerializerOptions OneIdEach = new() { AllowDuplicateProperties = false };

    private static readonly string[] MergesNames =
    [
        "merges.txt",
        "merges.txt.gz",
        "bpe_simple_vocab_16e6.txt",
        "bpe_simple_vocab_16e6.txt.gz",
    ];

    private readonly string[] _tokens;

    private BpeVocabulary(
        Dictionary<string, int> ids,
        string[] tokens,
        (int Start, int End) specials,
        IEnumerable<string> merges
    ) => (Ids, _tokens, StartId, EndId, Merges) = (ids, tokens, specials.Start, specials.End, merges);

    public int Size => _tokens.Length;

    public int StartId { get; }

    public int EndId { get; }

    /// <summary>All tokens and their ids.</summary>
    public IReadOnlyDictionary<string, int> Ids { get; }

    /// <summary>Pairs, parted by a space, in the order in which they join.</summary>
    public IEnumerable<string> Merges { get; }

    public string Token(int id) => _tokens[id];

    /// <exception cref="CheckpointException">A file is missing, damaged or inconsistent.</exception>
    public static BpeVocabulary Read(string folder)
    {
        string? name = MergesNames.FirstOrDefault(n => File.Exists(Path.Combine(folder, n)));
        if (name is null)
            throw new CheckpointException(folder, $"it has no tokenizer: none of {string.Join(", ", MergesNames)}");
        string path = Path.Combine(folder, name);
        (string First, string Second)[] merges = ReadMerges(path);
        string json = Path.Combine(folder, JsonName);
        string[] tokens = File.Exists(json) ? ReadTokens(json) : Tokens(merges);
        string owner = File.Exists(json) ? json : path;
        // A token that two pairs make has two ids; the later counts, as in the reference.
        var ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int i = 0; i < tokens.Length; i++)
            ids[tokens[i]] = i;
        (int Start, int End) specials = (Special(ids, "start"), Special(ids, "end"));
        if (specials.Start < 0 || specials.End != tokens.Length - 1)
            throw new CheckpointException(owner, "its last token must be the end of a text, and it must have a start");
        if (ByteAlphabet.Tokens.FirstOrDefault(t => !ids.ContainsKey(t)) is { } missing)
            throw new CheckpointException(owner, $"it lacks the token {missing}; every byte must have one");
        Check(path, merges, ids);
        return new BpeVocabulary(ids, tokens, specials, merges.Select(m => $"{m.First} {m.Second}"));
    }

    private static string[] Tokens((string First, string Second)[] merges) =>
        [
            .. ByteAlphabet.Tokens,
            .. merges.Select(m => m.First + m.Second),
            WordSplitter.StartOfText,
            WordSplitter.EndOfText,
        ];

    private static int Special(Dictionary<string, int> ids, string which) =>
        ids.TryGetValue($"<{which}_of_text>", out int id) || ids.TryGetValue($"<|{which}oftext|>", out id) ? id : -1;

    private static void Check(string path, (string First, string Second)[] merges, Dictionary<string, int> ids)
    {
        var seen = new HashSet<(string, string)>(merges.Length);
        var made = new HashSet<string>(ByteAlphabet.Tokens, StringComparer.Ordinal);
        for (int rank = 0; rank < merges.Length; rank++)
        {
            (string first, string second) = merges[rank];
            if (!made.Contains(first) || !made.Contains(second))
                throw Line(path, rank, "joins a symbol that no line before makes");
            if (!ids.ContainsKey(first + second))
                throw Line(path, rank, $"makes a token that {JsonName} lacks");
            if (!seen.Add(merges[rank]))
                throw Line(path, rank, "repeats a pair");
            made.Add(first + second);
        }
    }

    private static (string First, string Second)[] ReadMerges(string path)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(ReadBytes(path));
        }
        catch (DecoderFallbackException e)
        {
            throw new CheckpointException(path, "it is not UTF-8", e);
        }
        string[] lines = text.TrimEnd('\n', '\r').Split('\n', MaxMerges + 2);
        if (!lines[0].Contains("#version", StringComparison.Ordinal))
            throw new CheckpointException(path, "its first line must be a header with #version");
        return [.. lines.Skip(1).Take(MaxMerges).Select((line, rank) => Pair(path, rank, line.TrimEnd('\r')))];
    }

    private static (string First, string Second) Pair(string path, int rank, string line)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0 || !ByteAlphabet.IsToken(line[..space]) || !ByteAlphabet.IsToken(line[(space + 1)..]))
            throw Line(path, rank, "is not two symbols parted by a space");
        return (line[..space], line[(space + 1)..]);
    }

    private static string[] ReadTokens(string path)
    {
        Dictionary<string, int> ids;
        try
        {
            ids = JsonSerializer.Deserialize<Dictionary<string, int>>(ReadBytes(path), OneIdEach) ?? [];
        }
        catch (JsonException e)
        {
            throw new CheckpointException(
                path,
                $"it is not an object of tokens and their ids (line {e.LineNumber + 1})",
                e
            );
        }
        var tokens = new string[ids.Count];
        foreach ((string token, int id) in ids)
        {
            if (id < 0 || id >= tokens.Length || tokens[id] is not null)
                throw new CheckpointException(
                    path,
                    $"its ids must be 0 to {tokens.Length - 1}, each once; {id} is not"
                );
            if (!ByteAlphabet.IsToken(token))
                throw new CheckpointException(path, $"token {id} is not written in the letters of bytes");
            tokens[id] = token;
        }
        return tokens;
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            using Stream content = path.EndsWith(".gz", StringComparison.Ordinal)
                ? new GZipStream(file, CompressionMode.Decompress)
                : file;
            using var bytes = new MemoryStream();
            byte[] buffer = new byte[1 << 16];
            for (int read; (read = content.Read(buffer)) > 0; )
            {
                if (bytes.Length + read > MaxBytes)
                    throw new CheckpointException(path, $"it holds more than {MaxBytes >> 20} MB");
                bytes.Write(buffer, 0, read);
            }
            return bytes.ToArray();
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, e.Message, e);
        }
    }

    // The header is line 1.
    private static CheckpointException Line(string path, int rank, string reason) =>
        new(path, $"line {rank + 2} {reason}");
}
