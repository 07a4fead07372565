using System.Text.Json;
using Coser.Checkpoints;
using Coser.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>Makes the columns of some records at once.</summary>
/// <param name="records">Their numbers, following each other.</param>
/// <returns>By column: [N,...], in the caller's dispose scope.</returns>
public delegate IReadOnlyDictionary<string, Tensor> MakeRecords(IReadOnlyList<long> records);

/// <summary>
/// Writes sets of latents, file by file: what is finished is not made again, so a run that was stopped goes on.
/// </summary>
public sealed class LatentSetWriter
{
    private const int Batch = 16;
    private readonly string _folder;

    /// <summary>Opens a set for writing, or begins one.</summary>
    /// <param name="data">Photos of every split; those smaller than a view are left out.</param>
    /// <param name="model">Hash of the model that makes the views.</param>
    /// <exception cref="InvalidDataException">The folder holds a set of other views, photos or latents.</exception>
    public LatentSetWriter(string folder, LatentSetSettings settings, PhotoIndex data, string model)
    {
        _folder = folder;
        string path = Path.Combine(folder, LatentSet.ManifestName);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(folder);
            var views = new ViewMaker(settings.Size, settings.Degradation);
            string[] photos = [.. Chosen(data, settings.TrainingPhotos, views).Select(e => e.File)];
            if (photos.Length == 0)
                throw new InvalidDataException(
                    $"{data.Folder}: no photo is as large as a view of {settings.Size} pixels."
                );
            Manifest = new LatentSetManifest(
                settings,
                photos,
                new Dictionary<string, string>(StringComparer.Ordinal) { [LatentSet.Views] = model }
            );
            WriteManifest(path);
            return;
        }
        using FileStream file = File.OpenRead(path);
        Manifest = JsonSerializer.Deserialize<LatentSetManifest>(file, CoserJson.Strict)!;
        if (Json(Manifest.Settings) != Json(settings) || Manifest.Models[LatentSet.Views] != model)
        {
            throw new InvalidDataException(
                $"{folder}: it holds latents of other views or of another model. Name a new folder, or delete it."
            );
        }
    }

    /// <summary>Opens a set that is there, to add parts to it.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public LatentSetWriter(string folder)
    {
        using LatentSet set = LatentSet.Open(folder);
        (_folder, Manifest) = (folder, set.Manifest);
    }

    /// <summary>What the set holds.</summary>
    public LatentSetManifest Manifest { get; private set; }

    /// <summary>Writes the views' part: latents, and what the degradation is for.</summary>
    /// <param name="progress">Called with records done, those found included.</param>
    /// <returns>Records made now.</returns>
    /// <exception cref="OperationCanceledException">Finished files stay.</exception>
    public long WriteViews(
        PhotoIndex data,
        FrozenNetworks networks,
        Action<long, long>? progress,
        CancellationToken cancel
    )
    {
        LatentSetSettings settings = Manifest.Settings;
        var views = new ViewReader(Manifest, data);
        return Write(LatentSet.Views, Make, progress, cancel);

        IReadOnlyDictionary<string, Tensor> Make(IReadOnlyList<long> records)
        {
            PhotoView[] made = [.. records.AsParallel().AsOrdered().Select(views.Read)];
            var columns = new Dictionary<string, Tensor>(StringComparer.Ordinal)
            {
                [LatentSet.Clean] = networks.Encode(cat([.. made.Select(v => v.Sharp)])),
                [LatentSet.Mirrored] = tensor(made.Select(v => v.Mirrored ? 1f : 0f).ToArray()),
            };
            if (settings.Degradation is { } degradation)
            {
                Tensor lr = cat([.. made.Select(v => v.Lr!)]);
                columns[LatentSet.Lr] = networks.EncodeLr(lr, degradation.Scale);
                if (networks.Understands)
                    columns[LatentSet.Embedding] = networks.Understand(lr);
            }
            // They come from threads without a dispose scope.
            foreach (PhotoView view in made)
            {
                view.Sharp.Dispose();
                view.Lr?.Dispose();
            }
            return columns;
        }
    }

    /// <summary>Writes a part of its own.</summary>
    /// <param name="column">Its only column.</param>
    /// <param name="model">What makes it: a model and how it is used. What another made is made anew.</param>
    /// <inheritdoc cref="WriteViews"/>
    public long WritePart(
        string column,
        string model,
        MakeRecords make,
        Action<long, long>? progress,
        CancellationToken cancel
    )
    {
        if (LatentSet.PartOf(column) == LatentSet.Views)
            throw new ArgumentException($"{column} is made with the views", nameof(column));
        if (Manifest.Models.GetValueOrDefault(column) != model)
        {
            foreach (string old in Directory.EnumerateFiles(_folder, column + "-*.safetensors"))
                File.Delete(old);
            Manifest = Manifest with
            {
                Models = new Dictionary<string, string>(Manifest.Models, StringComparer.Ordinal) { [column] = model },
            };
            WriteManifest(Path.Combine(_folder, LatentSet.ManifestName));
        }
        return Write(column, make, progress, cancel);
    }

    private long Write(string part, MakeRecords make, Action<long, long>? progress, CancellationToken cancel)
    {
        long count = Manifest.Count;
        long written = 0;
        for (long first = 0; first < count; first += LatentSet.ShardRecords)
        {
            string path = LatentSet.FileOf(_folder, part, first / LatentSet.ShardRecords);
            long end = Math.Min(count, first + LatentSet.ShardRecords);
            if (!File.Exists(path))
            {
                WriteShard(path, first, end, make, progress, count, cancel);
                written += end - first;
            }
            progress?.Invoke(end, count);
        }
        return written;
    }

    private static void WriteShard(
        string path,
        long first,
        long end,
        MakeRecords make,
        Action<long, long>? progress,
        long count,
        CancellationToken cancel
    )
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var parts = new Dictionary<string, List<Tensor>>(StringComparer.Ordinal);
        for (long start = first; start < end; start += Batch)
        {
            cancel.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            long from = start;
            long[] records = [.. Enumerable.Range(0, (int)Math.Min(Batch, end - start)).Select(i => from + i)];
            foreach ((string column, Tensor values) in make(records))
            {
                if (!parts.TryGetValue(column, out List<Tensor>? list))
                    parts[column] = list = [];
                list.Add(values.cpu().to(float16).MoveToOuterDisposeScope());
            }
            progress?.Invoke(records[^1] + 1, count);
        }
        SafetensorsWriter.Write(path, parts.Select(p => KeyValuePair.Create(p.Key, cat(p.Value))));
    }

    private static IEnumerable<PhotoEntry> Chosen(PhotoIndex data, int? training, ViewMaker views)
    {
        PhotoEntry[] fitting = [.. data.Entries.Where(e => Fits(views, data.OpenPhoto(e)))];
        if (training is not { } most)
            return fitting;
        var kept = PhotoIndex.Evenly([.. fitting.Where(e => e.Split == "train")], most).ToHashSet();
        return fitting.Where(e => e.Split != "train" || kept.Contains(e));
    }

    private static bool Fits(ViewMaker views, Imaging.Photo opened)
    {
        using Imaging.Photo photo = opened;
        return views.Fits(photo.Width, photo.Height);
    }

    private void WriteManifest(string path)
    {
        File.WriteAllText(path + ".tmp", Json(Manifest) + "\n");
        File.Move(path + ".tmp", path, overwrite: true);
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, CoserJson.Strict);
}
