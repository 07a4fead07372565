using System.Text.Json;
using Coser.Imaging;

namespace Coser.Training.Data;

/// <summary>One photo of a data set.</summary>
/// <param name="File">Path below the data set's <c>photos/</c> folder.</param>
/// <param name="Label">Class in plain words; empty where there is none.</param>
/// <param name="Source">Data set it came from.</param>
/// <param name="Split">"train" or "validation".</param>
public sealed record PhotoEntry(string File, string Label, string Source, string Split);

/// <summary>
/// A data set: a folder with <c>index.jsonl</c> (a JSON object a line) and the photos it lists under <c>photos/</c>, or a
/// folder of <c>.tar</c> shards (<see cref="TarShards"/>).
/// </summary>
public sealed class PhotoIndex
{
    /// <summary>Name of the list of photos.</summary>
    public const string FileName = "index.jsonl";

    /// <summary>Name of the folder of photos.</summary>
    public const string PhotosName = "photos";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    private readonly IPhotoStore _store;

    private PhotoIndex(string folder, IReadOnlyList<PhotoEntry> entries, IPhotoStore store)
    {
        Folder = folder;
        Entries = entries;
        _store = store;
    }

    /// <summary>The data set's folder.</summary>
    public string Folder { get; }

    /// <summary>Photos in the order of the index.</summary>
    public IReadOnlyList<PhotoEntry> Entries { get; }

    /// <summary>Reads the index.</summary>
    /// <exception cref="InvalidDataException">There is neither an index nor a shard, a line or shard is bad (named), or
    /// nothing is listed.</exception>
    public static PhotoIndex Open(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (File.Exists(path))
            return new PhotoIndex(folder, ReadLines(path), new FolderStore(Path.Combine(folder, PhotosName)));
        if (TarShards.Find(folder).Count == 0)
            throw new InvalidDataException(
                $"{folder}: neither {FileName} nor .tar shards. Name a data set folder with --data; "
                    + "'coser dataset build' makes one of photos."
            );
        var shards = TarShards.Open(folder);
        return new PhotoIndex(folder, shards.Entries, shards);
    }

    /// <summary>The photos of one split, in the order of the index.</summary>
    public IReadOnlyList<PhotoEntry> Split(string name) => [.. Entries.Where(e => e.Split == name)];

    /// <summary>At most so many photos of one split, evenly spread over the index.</summary>
    public IReadOnlyList<PhotoEntry> Evenly(string split, int count) => Evenly(Split(split), count);

    /// <summary>At most so many of some photos, evenly spread over them.</summary>
    public static IReadOnlyList<PhotoEntry> Evenly(IReadOnlyList<PhotoEntry> photos, int count)
    {
        count = Math.Min(count, photos.Count);
        return [.. Enumerable.Range(0, count).Select(i => photos[(int)((long)i * photos.Count / count)])];
    }

    /// <summary>What messages call a photo: its full path, or its shard and its name in it.</summary>
    public string NameOf(PhotoEntry entry) => _store.NameOf(entry);

    /// <summary>The encoded photo.</summary>
    /// <exception cref="PhotoException">It cannot be read.</exception>
    public byte[] Read(PhotoEntry entry)
    {
        try
        {
            return _store.Read(entry);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PhotoException(
                NameOf(entry),
                $"it cannot be read ({e.Message.TrimEnd('.')})",
                "Check the data set, or build it again.",
                e
            );
        }
    }

    /// <summary>Opens and decodes a photo.</summary>
    /// <exception cref="PhotoException">It cannot be read or decoded; the message names it.</exception>
    public Photo OpenPhoto(PhotoEntry entry) =>
        _store.PathOf(entry) is { } path ? Photo.Open(path) : Photo.Open(Read(entry), NameOf(entry));

    /// <summary>A photo as a file, for programs that take one; out of a shard it is copied for as long as it is held.</summary>
    /// <exception cref="PhotoException">It cannot be read.</exception>
    public PhotoFile AsFile(PhotoEntry entry)
    {
        if (_store.PathOf(entry) is { } path)
            return new PhotoFile(path, isCopy: false);
        string copy = Path.Combine(Path.GetTempPath(), $"coser-{Guid.NewGuid():n}{Path.GetExtension(entry.File)}");
        File.WriteAllBytes(copy, Read(entry));
        return new PhotoFile(copy, isCopy: true);
    }

    /// <summary>Full path of a photo of a folder.</summary>
    /// <exception cref="InvalidOperationException">It lies in a shard: <see cref="OpenPhoto"/> and
    /// <see cref="AsFile"/> serve both.</exception>
    public string PathOf(PhotoEntry entry) =>
        _store.PathOf(entry) ?? throw new InvalidOperationException($"{NameOf(entry)} is no file of its own.");

    /// <summary>A line of the index.</summary>
    internal static string ToLine(PhotoEntry entry) => JsonSerializer.Serialize(entry, Json);

    private static List<PhotoEntry> ReadLines(string path)
    {
        var entries = new List<PhotoEntry>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            try
            {
                entries.Add(JsonSerializer.Deserialize<PhotoEntry>(line, Json)!);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{path}, line {number}: {e.Message}", e);
            }
        }
        return entries.Count > 0 ? entries : throw new InvalidDataException($"{path}: it lists no photo.");
    }
}

/// <summary>A photo's file.</summary>
public sealed class PhotoFile : IDisposable
{
    private readonly bool _isCopy;

    internal PhotoFile(string path, bool isCopy) => (Path, _isCopy) = (path, isCopy);

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Deletes it when it is a copy.</summary>
    public void Dispose()
    {
        if (_isCopy)
            File.Delete(Path);
    }
}
