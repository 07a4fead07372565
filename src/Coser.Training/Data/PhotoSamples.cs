using Coser.Training.Degradation;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>Makes one sample from a photo.</summary>
/// <param name="photo">[3,H,W], uint8.</param>
/// <param name="entry">What the index says of it.</param>
/// <param name="draws">All randomness the sample may use.</param>
/// <returns>Tensors by name, each with a leading batch axis of 1.</returns>
public delegate IReadOnlyDictionary<string, Tensor> MakeSample(Tensor photo, PhotoEntry entry, SeededDraws draws);

/// <summary>Makes one sample of a photo without opening it.</summary>
/// <param name="entry">What the index says of it.</param>
/// <param name="draws">All randomness the sample may use.</param>
/// <returns>Tensors by name, each with a leading batch axis of 1.</returns>
public delegate IReadOnlyDictionary<string, Tensor> MakeEntrySample(PhotoEntry entry, SeededDraws draws);

/// <summary>
/// The photos of a split in a run's order. Everything about a sample follows from its number: which photo, and what is
/// drawn for it.
/// </summary>
public sealed class PhotoSamples(PhotoIndex index, IReadOnlyList<PhotoEntry> photos, ulong seed)
{
    private readonly SampleOrder _order = new(photos.Count, seed);

    /// <summary>The training photos of a data set.</summary>
    public PhotoSamples(PhotoIndex index, ulong seed)
        : this(index, index.Split("train"), seed) { }

    /// <summary>Batch <paramref name="batch"/> of <paramref name="size"/> samples, joined along the first axis.</summary>
    /// <param name="taken">Of them only the first so many are made; null: all.</param>
    public TrainingBatch Batch(long batch, int size, MakeSample make, int? taken = null) =>
        Batch(batch, size, (entry, draws) => make(TrainingPhoto.Load(index, entry), entry, draws), taken);

    /// <inheritdoc cref="Batch(long, int, MakeSample, int?)"/>
    public TrainingBatch Batch(long batch, int size, MakeEntrySample make, int? taken = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return TrainingBatch.Join([.. Enumerable.Range(0, taken ?? size).Select(i => Sample(batch * size + i, make))]);
    }

    private IReadOnlyDictionary<string, Tensor> Sample(long number, MakeEntrySample make)
    {
        (int photo, long epoch) = _order[number];
        using var draws = SeededDraws.ForSample(seed, epoch, photo);
        return make(photos[photo], draws);
    }
}
