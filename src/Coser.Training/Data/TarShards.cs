using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Coser.Training.Data;

/// <summary>Where a photo's bytes are in a shard.</summary>
/// <param name="Shard">Name of the shard.</param>
/// <param name="Member">Name in it.</param>
/// <param name="Offset">First byte in the shard.</param>
/// <param name="Length">Bytes.</param>
internal sealed record ShardPlace(string Shard, string Member, long Offset, int Length);

/// <summary>
/// A data set of tar files in the WebDataset convention: members of one key (the name up to its first dot) make a sample,
/// <c>key.jpg</c> with <c>key.json</c> (<c>label</c>, <c>source</c>, <c>split</c>, <c>file</c>) or <c>key.cls</c> (the label
/// as text). Photos without a split are of "validation" where their shard's name holds "val", else of "train".
/// </summary>
/// <remarks>
/// Tar has no directory: its headers are read once, and kept as <c>shards.jsonl</c> beside the shards where that can be
/// written. Any photo is then one read, whatever its place.
/// </remarks>
internal sealed class TarShards : IPhotoStore
{
    /// <summary>What is kept of the headers.</summary>
    public const string IndexName = "shards.jsonl";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly string _folder;
    private readonly Dictionary<string, ShardPlace> _places = new(StringComparer.Ordinal);

    private TarShards(string folder, IReadOnlyList<Sample> samples)
    {
        _folder = folder;
        foreach (Sample sample in samples)
        {
            if (!_places.TryAdd(sample.Entry.File, sample.Place))
                throw new InvalidDataException(
                    $"{Path.Combine(folder, sample.Place.Shard)}: a second '{sample.Entry.File}', which "
                        + $"{_places[sample.Entry.File].Shard} has too. Names must differ over all shards."
                );
        }
        Entries = [.. samples.Select(s => s.Entry)];
    }

    private sealed record Sample(PhotoEntry Entry, ShardPlace Place);

    private sealed record Shard(string Name, long Bytes, long Changed);

    private sealed record Head(IReadOnlyList<Shard> Shards);

    /// <summary>Photos in the order of the shards.</summary>
    public IReadOnlyList<PhotoEntry> Entries { get; }

    /// <summary>The shards of a folder, in order.</summary>
    public static IReadOnlyList<string> Find(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.tar").Order(StringComparer.Ordinal)] : [];

    /// <summary>Reads the headers of all shards, or what was kept of them.</summary>
    /// <exception cref="InvalidDataException">A shard is no tar file, is cut off, or there is no photo; it is named.</exception>
    public static TarShards Open(string folder)
    {
        Shard[] shards =
        [
            .. Find(folder)
                .Select(p => new FileInfo(p))
                .Select(f => new Shard(f.Name, f.Length, f.LastWriteTimeUtc.Ticks)),
        ];
        string index = Path.Combine(folder, IndexName);
        List<Sample> samples = Kept(index, shards) ?? Scan(folder, shards, index);
        return samples.Count > 0
            ? new TarShards(folder, samples)
            : throw new InvalidDataException($"{folder}: its shards hold no photo (key.jpg, key.png, key.webp, ...).");
    }

    public string NameOf(PhotoEntry entry) =>
        _places.TryGetValue(entry.File, out ShardPlace? place)
            ? $"{Path.Combine(_folder, place.Shard)}:{place.Member}"
            : entry.File;

    public string? PathOf(PhotoEntry entry) => null;

    public byte[] Read(PhotoEntry entry)
    {
        if (!_places.TryGetValue(entry.File, out ShardPlace? place))
            throw new FileNotFoundException($"no shard of {_folder} has it");
        using SafeFileHandle file = File.OpenHandle(Path.Combine(_folder, place.Shard));
        var bytes = new byte[place.Length];
        for (int done = 0; done < bytes.Length; )
        {
            int read = RandomAccess.Read(file, bytes.AsSpan(done), place.Offset + done);
            done += read > 0 ? read : throw new EndOfStreamException($"{place.Shard} is cut off");
        }
        return bytes;
    }

    private static List<Sample>? Kept(string path, Shard[] shards)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using var lines = new StreamReader(path, Encoding.UTF8);
            if (
                JsonSerializer.Deserialize<Head>(lines.ReadLine() ?? "null", Json)?.Shards.SequenceEqual(shards) != true
            )
                return null;
            var samples = new List<Sample>();
            while (lines.ReadLine() is { } line)
                samples.Add(JsonSerializer.Deserialize<Sample>(line, Json)!);
            return samples;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static List<Sample> Scan(string folder, Shard[] shards, string index)
    {
        var samples = new List<Sample>();
        foreach (Shard shard in shards)
            samples.AddRange(Scan(Path.Combine(folder, shard.Name)));
        try
        {
            string temporary = $"{index}.{Environment.ProcessId}.tmp";
            File.WriteAllLines(
                temporary,
                samples
                    .Select(s => JsonSerializer.Serialize(s, Json))
                    .Prepend(JsonSerializer.Serialize(new Head(shards), Json))
            );
            File.Move(temporary, index, overwrite: true);
        }
        // A folder that cannot be written is read through again the next time.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        return samples;
    }

    private static IEnumerable<Sample> Scan(string path)
    {
        string shard = Path.GetFileName(path);
        string split = shard.Contains("val", StringComparison.OrdinalIgnoreCase) ? "validation" : "train";
        var group = new Group("", split, shard);
        foreach ((string member, TarEntry entry) in Members(path))
        {
            (string key, string extension) = Key(member);
            if (key != group.Key)
            {
                if (group.Finish() is { } finished)
                    yield return finished;
                group = new Group(key, split, shard);
            }
            group.Add(path, member, extension, entry);
        }
        if (group.Finish() is { } last)
            yield return last;
    }

    private static IEnumerable<(string Name, TarEntry Entry)> Members(string path)
    {
        using FileStream file = File.OpenRead(path);
        using var tar = new TarReader(file);
        while (Next(tar, path) is { } entry)
        {
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
                yield return (entry.Name, entry);
        }
    }

    private static TarEntry? Next(TarReader tar, string path)
    {
        try
        {
            return tar.GetNextEntry();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new InvalidDataException(
                $"{path}: no tar file, or one that is cut off ({e.Message.TrimEnd('.')}). Fetch or write it again.",
                e
            );
        }
    }

    // "n01/a.b.jpg": key "n01/a", extension ".b.jpg", as WebDataset has it.
    private static (string Key, string Extension) Key(string member)
    {
        int name = member.LastIndexOf('/') + 1;
        int dot = member.IndexOf('.', name);
        return dot < 0 ? (member, "") : (member[..dot], member[dot..]);
    }

    // The members of one key.
    private sealed class Group(string key, string split, string shard)
    {
        private ShardPlace? _photo;
        private string _label = "";
        private Facts? _facts;

        private sealed record Facts(string? Label, string? Source, string? Split, string? File);

        public string Key => key;

        public void Add(string path, string member, string extension, TarEntry entry)
        {
            switch (extension.ToLowerInvariant())
            {
                case ".json":
                    _facts = Parse(path, member, Text(entry));
                    break;
                case ".cls":
                    _label = Text(entry).Trim();
                    break;
                // "key.depth.png" is something else that belongs to the photo.
                case var image when image.LastIndexOf('.') == 0 && Imaging.PhotoFormats.IsReadable(image):
                    _photo ??= new ShardPlace(shard, member, entry.DataOffset, checked((int)entry.Length));
                    break;
                default:
                    break;
            }
        }

        public Sample? Finish() =>
            _photo is null
                ? null
                : new Sample(
                    new PhotoEntry(
                        _facts?.File ?? _photo.Member,
                        _facts?.Label ?? _label,
                        _facts?.Source ?? "",
                        _facts?.Split ?? split
                    ),
                    _photo
                );

        private static string Text(TarEntry entry)
        {
            if (entry.DataStream is null)
                return "";
            using var reader = new StreamReader(entry.DataStream, Encoding.UTF8);
            return reader.ReadToEnd();
        }

        // Other people's members of these names may be of other kinds.
        private static Facts? Parse(string path, string member, string text)
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(text);
                return document.RootElement.ValueKind != JsonValueKind.Object
                    ? null
                    : new Facts(Member("label"), Member("source"), Member("split"), Member("file"));

                string? Member(string name) =>
                    document.RootElement.TryGetProperty(name, out JsonElement value)
                    && value.ValueKind == JsonValueKind.String
                        ? value.GetString()
                        : null;
            }
            catch (JsonException e)
            {
                throw new InvalidDataException(
                    $"{path}:{member}: it is no JSON ({e.Message}). Write the shard again.",
                    e
                );
            }
        }
    }
}
