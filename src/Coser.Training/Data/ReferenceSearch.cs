using System.Text;
using Coser.Networks.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>
/// Finds for each photo of a data set the training photos most like it by CLIP: of its label, or of all where its label has
/// too few. Memory is that of a label or of a block of photos, however large the data set.
/// </summary>
/// <param name="clip">In float32 or 16 bits; not disposed here.</param>
/// <param name="model">Name and hash of its weights: embeddings of another model are not gone on with.</param>
public sealed class ReferenceSearch(ClipModel clip, string model, Device device)
{
    /// <summary>Photos embedded at a time.</summary>
    public const int Batch = 32;

    // Rows compared at a time: 4096 of 1024 numbers are 16 MiB.
    private const int Block = 4096;
    private const int Queries = 512;

    /// <summary>References a photo, at least 1. A label of fewer photos than this and one more borrows from all.</summary>
    public int Count { get; init; } = 10;

    /// <summary>
    /// Writes a line a photo, in the order of the index. Embeddings are kept beside the output until it is whole, so that
    /// the same call goes on after a stop.
    /// </summary>
    /// <param name="progress">Called with photos embedded.</param>
    /// <returns>Photos, and how many of them borrowed from other labels.</returns>
    /// <exception cref="InvalidDataException">The data set has fewer than two training photos.</exception>
    /// <exception cref="Imaging.PhotoException">A photo cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Embeddings so far stay.</exception>
    public (int Photos, int Borrowed) Write(
        PhotoIndex data,
        string output,
        Action<int>? progress,
        CancellationToken cancel
    )
    {
        if (data.Split("train").Count < 2)
            throw new InvalidDataException($"{data.Folder}: references want at least two photos of the split 'train'.");
        output = Path.GetFullPath(output);
        Directory.CreateDirectory(Path.GetDirectoryName(output)!);
        string embeddings = output + ".embeddings";
        var references = new IReadOnlyList<Reference>[data.Entries.Count];
        int borrowed;
        using (var file = new EmbeddingFile(embeddings, Identity(data), clip.Config.EmbedDim))
        {
            Embed(data, file, progress, cancel);
            borrowed = Search(data, file, references, cancel);
        }
        File.WriteAllLines(
            output + ".tmp",
            data.Entries.Select((e, i) => new PhotoReferences(e.File, references[i]).ToLine()),
            new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)
        );
        File.Move(output + ".tmp", output, overwrite: true);
        File.Delete(embeddings);
        return (data.Entries.Count, borrowed);
    }

    private string Identity(PhotoIndex data) =>
        $"{model}\n{clip.Type}\n" + string.Join('\n', data.Entries.Select(e => e.File));

    private void Embed(PhotoIndex data, EmbeddingFile file, Action<int>? progress, CancellationToken cancel)
    {
        using var noGrad = no_grad();
        while (file.Rows < data.Entries.Count)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Tensor[] photos =
            [
                .. data
                    .Entries.Skip((int)file.Rows)
                    .Take(Batch)
                    .Select(e =>
                        ClipPreprocessing.CentreCrop(TrainingPhoto.LoadForDegradation(data, e, scale: 1), clip.Config)
                    ),
            ];
            Tensor embedded = clip.EmbedImage(cat(photos).to(clip.Type).to(device));
            file.Append(embedded.to(float32).cpu());
            progress?.Invoke((int)file.Rows);
        }
    }

    private int Search(
        PhotoIndex data,
        EmbeddingFile file,
        IReadOnlyList<Reference>[] references,
        CancellationToken cancel
    )
    {
        int[] train = [.. data.Entries.Index().Where(e => e.Item.Split == "train").Select(e => e.Index)];
        ILookup<string, int> byLabel = train.ToLookup(i => data.Entries[i].Label, StringComparer.Ordinal);
        int borrowed = 0;
        var poor = new List<int>();
        foreach (
            IGrouping<string, int> photos in Enumerable.Range(0, data.Entries.Count).GroupBy(i => data.Entries[i].Label)
        )
        {
            int[] candidates = [.. byLabel[photos.Key]];
            if (photos.Key.Length == 0 || candidates.Length < Count + 1)
                poor.AddRange(photos);
            else
                Find(data, file, [.. photos], candidates, references, cancel);
        }
        borrowed += poor.Count;
        Find(data, file, [.. poor], train, references, cancel);
        return borrowed;
    }

    private void Find(
        PhotoIndex data,
        EmbeddingFile file,
        int[] photos,
        int[] candidates,
        IReadOnlyList<Reference>[] references,
        CancellationToken cancel
    )
    {
        using var noGrad = no_grad();
        foreach (int[] queries in photos.Chunk(Queries))
        {
            using var scope = NewDisposeScope();
            Tensor asked = file.Read(queries);
            var best = queries.Select(_ => new List<(int Photo, float Score)>()).ToArray();
            foreach (int[] block in candidates.Chunk(Block))
            {
                cancel.ThrowIfCancellationRequested();
                using var inner = NewDisposeScope();
                Tensor scores = ClipSimilarity.CosineMatrix(asked, file.Read(block)); // [Q,N]
                // One more than is wanted: a photo is its own best.
                int few = Math.Min(Count + 1, block.Length);
                (Tensor values, Tensor at) = scores.topk(few, dim: 1);
                float[] value = values.contiguous().data<float>().ToArray();
                long[] place = at.contiguous().data<long>().ToArray();
                for (int q = 0; q < queries.Length; q++)
                    Merge(best[q], queries[q], Enumerable.Range(q * few, few).Select(i => (block[place[i]], value[i])));
            }
            for (int q = 0; q < queries.Length; q++)
                references[queries[q]] =
                [
                    .. best[q].Select(b => new Reference(data.Entries[b.Photo].File, Math.Clamp(b.Score, -1, 1))),
                ];
        }
    }

    // Of equal ones the earlier photo: the same file whatever the blocks.
    private void Merge(List<(int Photo, float Score)> best, int self, IEnumerable<(int Photo, float Score)> more)
    {
        best.AddRange(more.Where(m => m.Photo != self));
        best.Sort((a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Photo.CompareTo(b.Photo));
        if (best.Count > Count)
            best.RemoveRange(Count, best.Count - Count);
    }
}
