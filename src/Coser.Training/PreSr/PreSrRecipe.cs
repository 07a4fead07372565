using Coser.Networks.PreSr;
using Coser.Training.Degradation;
using Coser.Training.Runs;

namespace Coser.Training.PreSr;

/// <summary>Settings of a pre-SR training.</summary>
public sealed record PreSrRecipe : TrainingRecipe
{
    /// <summary>The network.</summary>
    public MsrResNetConfig Network { get; init; } = new();

    /// <summary>How LR images are made from photos.</summary>
    public DegradationSettings Degradation { get; init; } = new();

    /// <summary>Side of the square cut out of a photo before degradation, in pixels; smaller photos are cut as they allow.</summary>
    public int Patch { get; init; } = 176;

    /// <summary>Photos of the validation split that are restored at each validation, evenly spread.</summary>
    public int ValidationPhotos { get; init; } = 48;
}
