using Coser.Restoration;
using Coser.Training.Adversarial;
using Coser.Training.Losses;
using Coser.Training.Runs;

namespace Coser.Training.Wrapping;

/// <summary>
/// Settings of the training of controllable feature wrapping. Paths that are not absolute start at the data set's folder; a
/// model may also be named.
/// </summary>
public sealed record WrappingRecipe : TrainingRecipe
{
    /// <summary>Model directory with the autoencoder; its component <c>cfw</c>, if it has one, is the start.</summary>
    public required string Model { get; init; }

    /// <summary>Folder of <c>coser dataset latents --degraded</c> with the column <c>sampled</c>.</summary>
    public string Latents { get; init; } = "latents";

    /// <summary>Residual-in-residual blocks of each fusion, at least 0, where the model has no fusion yet.</summary>
    public int FuseBlocks { get; init; } = 2;

    /// <summary>Growth of the dense layers inside those blocks.</summary>
    public int FuseGrowth { get; init; } = 32;

    /// <summary>
    /// Levels of the decoder that get a fusion, 0 at full resolution, where the model has no fusion yet; null: all but the
    /// outermost and the innermost.
    /// </summary>
    public IReadOnlyList<int>? FuseLevels { get; init; }

    /// <summary>Weight of the LR photo's features while it is trained.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>
    /// Share of the steps without the LR photo's features, so that a decoder that is trained itself still decodes alone:
    /// references, previews, fidelity 0.
    /// </summary>
    public double PlainShare { get; init; }

    /// <summary>Share of the samples whose latent is the sharp view's own, not a sampled one.</summary>
    public double CleanShare { get; init; }

    /// <summary>
    /// Share of the steps on views of little contrast: pictures drawn towards their mean colour, by a factor between 0.02 and 0.7 each,
    /// with the latent that the encoder finds in them. Photos that are smooth all over are too rare to be learned from.
    /// </summary>
    public double CalmShare { get; init; }

    /// <summary>Side of square crops of the views, pixels; null: whole views.</summary>
    public int? Patch { get; init; }

    /// <summary>Other sides, each as often as <see cref="Patch"/>, for a whole batch; of larger ones a batch has fewer.</summary>
    public IReadOnlyList<int> OtherPatches { get; init; } = [];

    /// <summary>
    /// Pixels up to which a picture is shifted, by chance, before it is judged (its edge is cut off); 0 does not. The strides
    /// of the networks that judge else lie on the latent's grid in every step, and a pattern on that grid can escape them.
    /// </summary>
    public int Jitter { get; init; }

    /// <summary>
    /// True: a picture is judged after the model's own colour correction, as it is used. The decoder then need not learn what
    /// the correction replaces: with <see cref="ColourFixKind.Wavelet"/> the low frequencies. Not in the steps without features.
    /// </summary>
    public bool CorrectColours { get; init; }

    /// <summary>How the decoded picture is judged.</summary>
    public ImageLossSettings Loss { get; init; } = new();

    /// <summary>The discriminator; null: none.</summary>
    public AdversarySettings? Adversary { get; init; }

    /// <summary>What is trained: regular expressions on parameter names. The default is the fusions alone.</summary>
    public IReadOnlyList<string> Trainable { get; init; } = ["^decoder\\.fusion_layer_"];

    /// <summary>
    /// True: the model's own autoencoder gets the fusions, and with weight 0 decodes as before as long as nothing else is
    /// trained. False: they go into a component <c>cfw</c> beside it, as in the published checkpoints.
    /// </summary>
    public bool Shared { get; init; }

    /// <summary>Photos of the validation split that are judged.</summary>
    public int ValidationPhotos { get; init; } = 48;
}
