using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Restorations;

/// <summary>What a restoration is made from, on the stage's device.</summary>
/// <param name="Clean">Latent of the sharp view, [B,C,h,w], float32.</param>
/// <param name="Lr">Of the LR photo enlarged, same shape.</param>
/// <param name="Embedding">Cognitive embedding, [B,T_e,C'].</param>
/// <param name="Reference">The reference's latent, same shape as the others.</param>
internal sealed record Conditions(Tensor Clean, Tensor Lr, Tensor Embedding, Tensor Reference);

/// <summary>Where stage 2 takes its views from: a set of latents, or the photos themselves.</summary>
internal abstract class ConditionSource(FrozenNetworks frozen) : IDisposable
{
    protected const string Shown = "shown";
    private Tensor? _grey; // its latent

    /// <summary>The networks it looks through.</summary>
    protected FrozenNetworks Frozen { get; } = frozen;

    /// <summary>Photos of a split it can take, at most so many, evenly spread.</summary>
    public abstract IReadOnlyList<PhotoEntry> Photos(string split, int most = int.MaxValue);

    /// <summary>Tensors of a training sample; called on worker threads.</summary>
    /// <param name="reference">File of the photo shown as a reference; empty: the generated one; null: grey.</param>
    public abstract Dictionary<string, Tensor> Draw(PhotoEntry entry, string? reference, SeededDraws draws);

    /// <summary>Tensors of a validation sample, always the same, and how its pictures are had.</summary>
    /// <param name="draws">The photo's own.</param>
    public abstract (Dictionary<string, Tensor> Sample, Func<PhotoView> View) First(
        PhotoEntry entry,
        string? reference,
        SeededDraws draws
    );

    /// <summary>True when left and right of a sample were swapped.</summary>
    public static bool IsMirrored(IReadOnlyDictionary<string, Tensor> sample) =>
        sample[LatentSet.Mirrored].item<float>() > 0.5;

    /// <summary>The conditions of a batch on the device, without gradients.</summary>
    public abstract Conditions Resolve(TrainingBatch batch);

    /// <inheritdoc/>
    public virtual void Dispose() => _grey?.Dispose();

    /// <summary>Grey where nothing is shown.</summary>
    protected Tensor OrGrey(Tensor reference, Tensor shown, int size)
    {
        using var scope = NewDisposeScope();
        _grey ??= Frozen.EncodeGrey(size).DetachFromDisposeScope();
        return where(shown.reshape(-1, 1, 1, 1).gt(0.5), reference, _grey).MoveToOuterDisposeScope();
    }
}

/// <summary>Views that were encoded before (<c>coser dataset latents --degraded</c>).</summary>
internal sealed class CachedConditions : ConditionSource
{
    private readonly LatentSet _set;
    private readonly StageInputs _inputs;
    private readonly ViewReader _views;

    /// <param name="set">Disposed with this.</param>
    public CachedConditions(LatentSet set, StageInputs inputs, PhotoIndex data, FrozenNetworks frozen)
        : base(frozen)
    {
        set.Require(LatentSet.Lr, LatentSet.Embedding);
        (_set, _inputs, _views) = (set, inputs, new ViewReader(set.Manifest, data));
    }

    public override IReadOnlyList<PhotoEntry> Photos(string split, int most = int.MaxValue) =>
        _inputs.Known(_set, split, most);

    public override Dictionary<string, Tensor> Draw(PhotoEntry entry, string? reference, SeededDraws draws) =>
        Sample(
            RecordOf(entry.File, draws),
            reference is { Length: > 0 } file ? RecordOf(file, draws) : null,
            reference
        );

    public override (Dictionary<string, Tensor> Sample, Func<PhotoView> View) First(
        PhotoEntry entry,
        string? reference,
        SeededDraws draws
    )
    {
        long record = _set.RecordOf(entry.File, 0);
        long? other = reference is { Length: > 0 } file ? _set.RecordOf(file, 0) : null;
        return (Sample(record, other, reference), () => _views.Read(record));
    }

    public override Conditions Resolve(TrainingBatch batch) =>
        new(
            batch[LatentSet.Clean],
            batch[LatentSet.Lr],
            batch[LatentSet.Embedding],
            OrGrey(batch[LatentSet.Reference], batch[Shown], _set.Manifest.Settings.Size)
        );

    public override void Dispose()
    {
        base.Dispose();
        _set.Dispose();
    }

    private long RecordOf(string file, SeededDraws draws) =>
        _set.RecordOf(file, draws.RandInt(0, _set.Manifest.Settings.Views - 1));

    // Of a photo that the set lacks nothing can be shown.
    private Dictionary<string, Tensor> Sample(long record, long? other, string? reference)
    {
        Tensor clean = _set.Read(LatentSet.Clean, record);
        bool shown = reference is not null && other is not < 0;
        Tensor seen =
            !shown ? zeros_like(clean)
            : other is { } photo ? _set.Read(LatentSet.Clean, photo)
            : _set.Read(LatentSet.Reference, record);
        return new(StringComparer.Ordinal)
        {
            [LatentSet.Clean] = clean,
            [LatentSet.Lr] = _set.Read(LatentSet.Lr, record),
            [LatentSet.Embedding] = _set.Read(LatentSet.Embedding, record),
            [LatentSet.Mirrored] = _set.Read(LatentSet.Mirrored, record),
            [LatentSet.Reference] = seen,
            [Shown] = tensor(new[] { shown ? 1f : 0f }),
        };
    }
}

/// <summary>Views that are made for every sample anew.</summary>
internal sealed class FreshConditions(ViewMaker views, int size, int scale, PhotoIndex data, FrozenNetworks frozen)
    : ConditionSource(frozen)
{
    private const string Sharp = "sharp";

    public override IReadOnlyList<PhotoEntry> Photos(string split, int most = int.MaxValue)
    {
        PhotoEntry[] fitting = [.. data.Split(split).Where(Fits)];
        StageInputs.Require(fitting.Length > 0, $"no photo of the split '{split}' is as large as size, {size} pixels");
        return PhotoIndex.Evenly(fitting, most);
    }

    public override Dictionary<string, Tensor> Draw(PhotoEntry entry, string? reference, SeededDraws draws)
    {
        PhotoView view = views.Make(Load(entry.File), draws);
        PhotoView? other = reference is null ? null : views.Make(Load(reference), draws);
        return Sample(view, other);
    }

    public override (Dictionary<string, Tensor> Sample, Func<PhotoView> View) First(
        PhotoEntry entry,
        string? reference,
        SeededDraws draws
    )
    {
        PhotoView view = views.Middle(Load(entry.File), draws);
        return (Sample(view, reference is null ? null : views.Middle(Load(reference), draws)), () => view);
    }

    public override Conditions Resolve(TrainingBatch batch) =>
        new(
            Frozen.Encode(batch[Sharp]),
            Frozen.EncodeLr(batch[LatentSet.Lr], scale),
            Frozen.Understand(batch[LatentSet.Lr]),
            OrGrey(Frozen.Encode(batch[LatentSet.Reference]), batch[Shown], size)
        );

    private static Dictionary<string, Tensor> Sample(PhotoView view, PhotoView? other) =>
        new(StringComparer.Ordinal)
        {
            [Sharp] = view.Sharp,
            [LatentSet.Lr] = view.Lr!,
            [LatentSet.Mirrored] = tensor(new[] { view.Mirrored ? 1f : 0f }),
            [LatentSet.Reference] = other?.Sharp ?? zeros_like(view.Sharp),
            [Shown] = tensor(new[] { other is null ? 0f : 1f }),
        };

    private Tensor Load(string file) => TrainingPhoto.Load(data, new PhotoEntry(file, "", "", ""));

    private bool Fits(PhotoEntry entry)
    {
        using Imaging.Photo photo = data.OpenPhoto(entry);
        return views.Fits(photo.Width, photo.Height);
    }
}
