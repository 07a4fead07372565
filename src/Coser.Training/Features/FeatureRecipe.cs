using Coser.Metrics.Features;
using Coser.Training.Runs;

namespace Coser.Training.Features;

/// <summary>Settings of a feature network's training.</summary>
public sealed record FeatureRecipe : TrainingRecipe
{
    /// <summary>Sizes; the classes come from the data set's labels.</summary>
    public FeatureNetworkConfig Network { get; init; } = new();

    /// <summary>What the network is for, and its name in a model directory: <c>perceptual</c> or <c>evaluation</c>.</summary>
    public string Role { get; init; } = "perceptual";

    /// <summary>Side of the training images, pixels.</summary>
    public int Size { get; init; } = 96;

    /// <summary>Labels with fewer training photos are left out.</summary>
    public int MinPhotos { get; init; } = 10;

    /// <summary>Smallest share of a photo's area that a training crop shows.</summary>
    public double MinArea { get; init; } = 0.35;

    /// <summary>Share of the truth that is spread over all classes.</summary>
    public double LabelSmoothing { get; init; } = 0.1;
}
