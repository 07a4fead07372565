using Coser.Networks.Cognition;
using Coser.Training.Degradation;
using Coser.Training.Runs;

namespace Coser.Training.Cognitive;

/// <summary>What stage 1 does with the pre-SR network.</summary>
public enum PreSrTraining
{
    /// <summary>Nothing.</summary>
    Frozen,

    /// <summary>It learns through the frozen CLIP alone, as the reproduction is coded.</summary>
    Cognition,

    /// <summary>It also has a loss of its own, as in the paper.</summary>
    Supervised,
}

/// <summary>
/// Settings of stage 1. Paths that are not absolute start at the data set's folder; a model may also be named.
/// </summary>
public sealed record CognitionRecipe : TrainingRecipe
{
    /// <summary>The cognitive adapter.</summary>
    public CognitiveAdapterConfig Adapter { get; init; } = new();

    /// <summary>Model directory with pre-SR, CLIP and tokenizer. An adapter in it that fits is the start.</summary>
    public required string Model { get; init; }

    /// <summary>File of <c>coser dataset captions</c>.</summary>
    public string Captions { get; init; } = "captions.jsonl";

    /// <summary>Side of the sharp views, pixels.</summary>
    public int Size { get; init; } = 512;

    /// <summary>How they are degraded.</summary>
    public DegradationSettings Degradation { get; init; } = new();

    /// <summary>What becomes of the pre-SR network.</summary>
    public PreSrTraining PreSr { get; init; } = PreSrTraining.Cognition;

    /// <summary>Weight of the pre-SR's own mean absolute error, where it has one.</summary>
    public double PreSrWeight { get; init; } = 1;

    /// <summary>Photos of the validation split that are judged.</summary>
    public int ValidationPhotos { get; init; } = 128;
}
