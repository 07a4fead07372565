using Coser.Networks.Clip;
using Coser.Training.Degradation;
using Coser.Training.Runs;

namespace Coser.Training.Clip;

/// <summary>Settings of the CLIP pair's training. Paths that are not absolute start at the data set's folder.</summary>
public sealed record ClipRecipe : TrainingRecipe
{
    /// <summary>Sizes of both towers; their image size is that of the training images.</summary>
    public ClipConfig Network { get; init; } = new();

    /// <summary>File of <c>coser dataset captions</c>.</summary>
    public string Captions { get; init; } = "captions.jsonl";

    /// <summary>Folder of <c>coser dataset vocabulary</c>; goes into the model with the network.</summary>
    public string Tokenizer { get; init; } = "tokenizer";

    /// <summary>Smallest share of a photo's area that a training crop shows.</summary>
    public double MinArea { get; init; } = 0.5;

    /// <summary>Share of the training images that are degraded and enlarged again.</summary>
    public double DegradedShare { get; init; } = 0.25;

    /// <summary>Side of an image before its degradation, pixels; a multiple of the degradation's scale.</summary>
    public int DegradedSize { get; init; } = 128;

    /// <summary>How they are degraded.</summary>
    public DegradationSettings Degradation { get; init; } = new();

    /// <summary>
    /// True: photos of one label, where it is not empty, match each other's captions too. False: only equal captions do.
    /// </summary>
    public bool EqualLabelsMatch { get; init; }

    /// <summary>Labels of at least so many training photos are what validation asks for.</summary>
    public int MinPhotos { get; init; } = 10;
}
