using Coser.Networks.Clip;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Clip;

/// <summary>From photos and captions to what the towers take.</summary>
internal sealed class ClipSamples(ClipRecipe recipe, CaptionIndex captions, ClipTokenizer tokenizer)
{
    private readonly DegradationSettings _degradation = recipe.Degradation with { GtSize = null, SharpenGt = false };
    private readonly SecondOrderDegradation _degrade = new();
    private readonly Dictionary<string, long> _labels = new(StringComparer.Ordinal);

    private int Side => recipe.Network.Vision.ImageSize;

    /// <summary>Gives labels their numbers; a sample of another label gets -1.</summary>
    public void Number(IEnumerable<string> labels)
    {
        foreach (string label in labels.Where(l => l.Length > 0).Distinct(StringComparer.Ordinal))
            _labels[label] = _labels.Count;
    }

    /// <summary>A crop with one of the photo's captions.</summary>
    /// <param name="photo">[3,H,W], uint8.</param>
    /// <returns>image [1,3,S,S], normalised; tokens [1,T], int64; label [1], int64.</returns>
    public IReadOnlyDictionary<string, Tensor> Make(Tensor photo, PhotoEntry entry, SeededDraws draws)
    {
        string caption = draws.Choice(captions[entry.File]);
        Tensor crop = RandomCrop.Area(photo, recipe.MinArea, draws);
        bool mirrored = draws.Random() < 0.5;
        if (mirrored)
            (crop, caption) = (crop.flip(2), CaptionMirror.Swap(caption));
        Tensor image =
            draws.Random() < recipe.DegradedShare ? Degraded(Pixels(crop), draws) : Resized(Pixels(crop), Side);
        return new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["image"] = ClipPreprocessing.Stretch(image, recipe.Network),
            ["tokens"] = Tokens([caption]),
            ["label"] = tensor(new[] { _labels.GetValueOrDefault(entry.Label, -1) }),
        };
    }

    /// <summary>A whole photo.</summary>
    /// <param name="degradedBy">Seed of its degradation; null: as it is.</param>
    /// <returns>[1,3,S,S], normalised.</returns>
    public Tensor Whole(PhotoIndex data, PhotoEntry entry, ulong? degradedBy)
    {
        using var scope = NewDisposeScope();
        Tensor photo = Pixels(TrainingPhoto.Load(data, entry));
        using SeededDraws? draws = degradedBy is { } seed ? new SeededDraws(seed) : null;
        Tensor image = draws is null ? Resized(photo, Side) : Degraded(photo, draws);
        return ClipPreprocessing.Stretch(image, recipe.Network).MoveToOuterDisposeScope();
    }

    /// <summary>Ids of texts, [B,T].</summary>
    public Tensor Tokens(IReadOnlyList<string> texts) => tokenizer.Batch(texts, recipe.Network.Text.ContextLength);

    // What is left of an image of the data set's size, enlarged again as the pre-SR network would.
    private Tensor Degraded(Tensor image, SeededDraws draws)
    {
        Tensor hr = Resized(image, recipe.DegradedSize).clamp(0, 1);
        return Resized(_degrade.Degrade(hr, draws, _degradation).Lq, Side).clamp(0, 1);
    }

    // [3,H,W] uint8 -> [1,3,H,W], [0,1]
    private static Tensor Pixels(Tensor photo) => photo.to(float32).div(255).unsqueeze(0);

    private static Tensor Resized(Tensor image, int side) =>
        nn
            .functional.interpolate(
                image,
                [side, side],
                mode: InterpolationMode.Bicubic,
                align_corners: false,
                antialias: true
            )
            .clamp(0, 1);
}
