using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Coser.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>What <c>latents.json</c> says of a set.</summary>
/// <param name="Settings">Which views it holds.</param>
/// <param name="Photos">Their photos, as in the data set's index; photo p has the records p * views and following.</param>
/// <param name="Models">What made each part: the hash of a model directory, and how it was used.</param>
public sealed record LatentSetManifest(
    LatentSetSettings Settings,
    IReadOnlyList<string> Photos,
    IReadOnlyDictionary<string, string> Models
)
{
    /// <summary>Number of records.</summary>
    [JsonIgnore]
    public long Count => (long)Photos.Count * Settings.Views;
}

/// <summary>
/// Views of photos as latents, made once by <c>coser dataset latents</c>: what diffusion models are trained on without
/// running the frozen networks at every step. A folder of safetensors files, 16-bit, mapped into memory.
/// </summary>
public sealed class LatentSet : IDisposable
{
    /// <summary>Column: latents of the views, [1,C,h,w].</summary>
    public const string Clean = "clean";

    /// <summary>Column: latents of the degraded views enlarged, [1,C,h,w].</summary>
    public const string Lr = "lr";

    /// <summary>Column: cognitive embeddings of the degraded views, [1,T_e,C].</summary>
    public const string Embedding = "embedding";

    /// <summary>Column: 1 where left and right are swapped, [1].</summary>
    public const string Mirrored = "mirrored";

    /// <summary>Column of a part of its own: generated reference latents, [1,C,h,w].</summary>
    public const string Reference = "reference";

    /// <summary>Column of a part of its own: restored latents as they are really sampled, [1,C,h,w].</summary>
    public const string Sampled = "sampled";

    internal const string ManifestName = "latents.json";
    internal const string Views = "views";

    /// <summary>Records of a file.</summary>
    internal const int ShardRecords = 512;

    private readonly string _folder;
    private readonly ConcurrentDictionary<(string Part, long Shard), SafetensorsFile> _files = new();
    private readonly Dictionary<string, int> _places;

    private LatentSet(string folder, LatentSetManifest manifest)
    {
        (_folder, Manifest) = (folder, manifest);
        _places = manifest.Photos.Index().ToDictionary(p => p.Item, p => p.Index, StringComparer.Ordinal);
    }

    /// <summary>What is in it.</summary>
    public LatentSetManifest Manifest { get; }

    /// <summary>Number of records.</summary>
    public long Count => Manifest.Count;

    /// <summary>Opens a set.</summary>
    /// <exception cref="InvalidDataException">There is none, it is damaged, or it was not finished.</exception>
    public static LatentSet Open(string folder)
    {
        string path = Path.Combine(folder, ManifestName);
        try
        {
            using FileStream file = File.OpenRead(path);
            var set = new LatentSet(folder, JsonSerializer.Deserialize<LatentSetManifest>(file, CoserJson.Strict)!);
            set.Require(Clean);
            return set;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new InvalidDataException(
                $"{path}: no set of latents ({e.Message}). Make one with 'coser dataset latents'.",
                e
            );
        }
    }

    /// <summary>True when every record has this column.</summary>
    public bool Has(string column)
    {
        string last = FileOf(_folder, PartOf(column), (Count - 1) / ShardRecords);
        return File.Exists(last) && Shard(column, Count - 1).Entries.ContainsKey(column);
    }

    /// <summary>Refuses a set without these columns.</summary>
    /// <exception cref="InvalidDataException">One is missing; the message says how to make it.</exception>
    public void Require(params IReadOnlyList<string> columns)
    {
        foreach (string column in columns.Where(c => !Has(c)))
        {
            throw new InvalidDataException(
                $"{_folder}: its records have no '{column}', or making them was stopped. Go on with the same "
                    + "'coser dataset latents', with a model that can make it."
            );
        }
    }

    /// <summary>A record of a photo; -1: the photo is not in the set.</summary>
    /// <param name="file">As in the data set's index.</param>
    public long RecordOf(string file, int view) =>
        _places.TryGetValue(file, out int photo) ? (long)photo * Manifest.Settings.Views + view : -1;

    /// <summary>A value of a record; may be called by several threads.</summary>
    /// <returns>[1,...], float32, in the caller's dispose scope.</returns>
    public Tensor Read(string column, long record)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(record);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(record, Count);
        using var scope = NewDisposeScope();
        Tensor all = Shard(column, record).Read(column);
        return all.narrow(0, record % ShardRecords, 1).to(float32, copy: true).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files.Values)
            file.Dispose();
        _files.Clear();
    }

    /// <summary>The part a column lies in: those of the views together, any other by itself.</summary>
    internal static string PartOf(string column) => column is Clean or Lr or Embedding or Mirrored ? Views : column;

    internal static string FileOf(string folder, string part, long shard) =>
        Path.Combine(folder, $"{part}-{shard.ToString("D6", CultureInfo.InvariantCulture)}.safetensors");

    private SafetensorsFile Shard(string column, long record) =>
        _files.GetOrAdd(
            (PartOf(column), record / ShardRecords),
            key => SafetensorsFile.Open(FileOf(_folder, key.Part, key.Shard))
        );
}
