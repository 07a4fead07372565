using Coser.Diffusion;
using Coser.Networks.Unet;
using Coser.Restoration;
using Coser.Training.Degradation;
using Coser.Training.Objectives;
using Coser.Training.Runs;

namespace Coser.Training.Restorations;

/// <summary>Where a sample's reference comes from.</summary>
public sealed record ReferenceSettings
{
    /// <summary>File of <c>coser dataset references</c>: real photos; null: none are shown.</summary>
    public string? Index { get; init; }

    /// <summary>Share of the shown references that are generated ones, of the latents' column <c>reference</c>.</summary>
    public double GeneratedShare { get; init; }

    /// <summary>Probability that an all-grey image stands in the reference's place.</summary>
    public double Drop { get; init; } = 0.1;
}

/// <summary>
/// Settings of stage 2. Paths that are not absolute start at the data set's folder; a model may also be named.
/// </summary>
public sealed record RestorationRecipe : TrainingRecipe
{
    /// <summary>
    /// Model directory: autoencoder, CLIP, tokenizer, pre-SR and adapter are frozen; UNet and control encoder, if it has one,
    /// are the start.
    /// </summary>
    public required string Model { get; init; }

    /// <summary>The UNet; null: as in the model, with All-in-Attention.</summary>
    public UnetConfig? Network { get; init; }

    /// <summary>The control encoder; null: as in the model, or like the UNet.</summary>
    public ControlConfig? Control { get; init; }

    /// <summary>The process.</summary>
    public DiffusionConfig Diffusion { get; init; } = new();

    /// <summary>How errors count.</summary>
    public ObjectiveSettings Objective { get; init; } = new();

    /// <summary>
    /// Folder of <c>coser dataset latents --degraded</c>. Null: photos are degraded and encoded as training goes on, which no
    /// sample repeats, but the frozen networks run at every step.
    /// </summary>
    public string? Latents { get; init; }

    /// <summary>Without <see cref="Latents"/>: side of the sharp views, pixels.</summary>
    public int Size { get; init; } = 512;

    /// <summary>Without <see cref="Latents"/>: how they are degraded.</summary>
    public DegradationSettings Degradation { get; init; } = new();

    /// <summary>File of <c>coser dataset captions</c>; null: texts are empty.</summary>
    public string? Captions { get; init; }

    /// <summary>The reference images.</summary>
    public ReferenceSettings References { get; init; } = new();

    /// <summary>Probability of an empty text.</summary>
    public double TextDrop { get; init; } = 0.5;

    /// <summary>Share of the batches without the cognitive embedding: what guidance compares with.</summary>
    public double EmbeddingDrop { get; init; }

    /// <summary>
    /// Share of the batches that paint, as the reference is painted: without LR photo and reference, at all timesteps alike. For
    /// a UNet that is trained as a whole, lest it forget that.
    /// </summary>
    public double PaintShare { get; init; }

    /// <summary>
    /// What is trained: regular expressions on names such as <c>unet.middle_block...</c> and <c>control....</c>. The default is
    /// the paper's: the new attention branches and the control encoder.
    /// </summary>
    public IReadOnlyList<string> Trainable { get; init; } = ["^unet\\..*_lna", "^control\\."];

    /// <summary>
    /// True: the control encoder's gates, new ones, start at random instead of silent. The attention branches they lead into
    /// are silent themselves, so that nothing is disturbed, and learning starts at once.
    /// </summary>
    public bool OpenControl { get; init; }

    /// <summary>
    /// Keep only the inputs of the networks' blocks and compute the rest again for the gradients: less memory, about a third
    /// more time, the same numbers.
    /// </summary>
    public bool Recompute { get; init; }

    /// <summary>Photos of the validation split on which the error is measured.</summary>
    public int ValidationPhotos { get; init; } = 128;

    /// <summary>Photos restored at each validation.</summary>
    public int Restored { get; init; } = 16;

    /// <summary>How they are restored.</summary>
    public SamplingSettings Sampling { get; init; } = new(10, SamplerKind.Dpm, 1, 999);
}
