using System.Text.Json;

namespace Coser.Training.Data;

/// <summary>One photo of a data set.</summary>
/// <param name="File">Path below the data set's <c>photos/</c> folder.</param>
/// <param name="Label">Class in plain words; empty where there is none.</param>
/// <param name="Source">Data set it came from.</param>
/// <param name="Split">"train" or "validation".</param>
public sealed record PhotoEntry(string File, string Label, string Source, string Split);

/// <summary>A folder with <c>index.jsonl</c> (a JSON object a line) and the photos it lists under <c>photos/</c>.</summary>
public sealed class PhotoIndex
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    private PhotoIndex(string folder, IReadOnlyList<PhotoEntry> entries)
    {
        Folder = folder;
        Entries = entries;
    }

    /// <summary>The data set's folder.</summary>
    public string Folder { get; }

    /// <summary>Photos in the order of the index.</summary>
    public IReadOnlyList<PhotoEntry> Entries { get; }

    /// <summary>Reads the index.</summary>
    /// <exception cref="InvalidDataException">The index is missing, has a bad line (named), or lists nothing.</exception>
    public static PhotoIndex Open(string folder)
    {
        string path = Path.Combine(folder, "index.jsonl");
        if (!File.Exists(path))
            throw new InvalidDataException($"{folder}: no index.jsonl. Name a data set folder with --data.");
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
        if (entries.Count == 0)
            throw new InvalidDataException($"{path}: it lists no photo.");
        return new PhotoIndex(folder, entries);
    }

    /// <summary>The photos of one split, in the order of the index.</summary>
    public IReadOnlyList<PhotoEntry> Split(string name) => [.. Entries.Where(e => e.Split == name)];

    /// <summary>At most so many photos of one split, evenly spread over the index.</summary>
    public IReadOnlyList<PhotoEntry> Evenly(string split, int count)
    {
        IReadOnlyList<PhotoEntry> all = Split(split);
        count = Math.Min(count, all.Count);
        return [.. Enumerable.Range(0, count).Select(i => all[(int)((long)i * all.Count / count)])];
    }

    /// <summary>Full path of a photo.</summary>
    public string PathOf(PhotoEntry entry) => Path.Combine(Folder, "photos", entry.File);
}
