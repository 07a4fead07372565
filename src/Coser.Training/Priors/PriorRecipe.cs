using Coser.Diffusion;
using Coser.Networks.Unet;
using Coser.Training.Objectives;
using Coser.Training.Runs;

namespace Coser.Training.Priors;

/// <summary>
/// Settings of a text-to-image prior's training. Paths that are not absolute start at the data set's folder; a model may also
/// be named.
/// </summary>
public sealed record PriorRecipe : TrainingRecipe
{
    /// <summary>The UNet; its context is CLIP's text width, its channels are the autoencoder's.</summary>
    public UnetConfig Network { get; init; } = new() { AllInAttention = false };

    /// <summary>The process.</summary>
    public DiffusionConfig Diffusion { get; init; } = new();

    /// <summary>How errors count.</summary>
    public ObjectiveSettings Objective { get; init; } = new();

    /// <summary>Model directory with autoencoder, CLIP and tokenizer, all frozen.</summary>
    public required string Model { get; init; }

    /// <summary>Folder of <c>coser dataset latents</c>.</summary>
    public string Latents { get; init; } = "latents";

    /// <summary>File of <c>coser dataset captions</c>.</summary>
    public string Captions { get; init; } = "captions.jsonl";

    /// <summary>Probability that a sample's text is empty: what guidance compares with.</summary>
    public double TextDrop { get; init; } = 0.1;

    /// <summary>
    /// Share of the batches whose context is the text and the cognitive embedding, as the reference is painted from; the
    /// others have the text alone.
    /// </summary>
    public double EmbeddingShare { get; init; }

    /// <summary>Probability of an empty text in a batch with embeddings.</summary>
    public double EmbeddingTextDrop { get; init; } = 0.5;

    /// <summary>
    /// Keep only the inputs of the UNet's blocks and compute the rest again for the gradients: less memory, about a third more
    /// time, the same numbers.
    /// </summary>
    public bool Recompute { get; init; }

    /// <summary>Photos of the validation split.</summary>
    public int ValidationPhotos { get; init; } = 128;

    /// <summary>Pictures painted at each validation.</summary>
    public int Samples { get; init; } = 6;

    /// <summary>Steps they are painted in.</summary>
    public int SampleSteps { get; init; } = 20;

    /// <summary>Guidance scale they are painted with.</summary>
    public double Guidance { get; init; } = 3;
}
