using Coser.Diffusion;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Evaluation.Ablation;

/// <summary>One configuration of an ablation. What is null is what <see cref="AblationRecipe.Common"/> or else the model says.</summary>
public sealed record AblationRow
{
    /// <summary>Name in the table.</summary>
    public string? Name { get; init; }

    /// <summary>A model's name or folder, or whatever else a method can be (<c>bicubic</c>, <c>folder:DIR</c>).</summary>
    public string? Model { get; init; }

    /// <summary>As <see cref="RestoreOptions.Preset"/>.</summary>
    public Preset? Preset { get; init; }

    /// <summary>As <see cref="RestoreOptions.Steps"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>As <see cref="RestoreOptions.Sampler"/>.</summary>
    public SamplerKind? Sampler { get; init; }

    /// <summary>As <see cref="RestoreOptions.Guidance"/>.</summary>
    public double? Guidance { get; init; }

    /// <summary>As <see cref="RestoreOptions.Prompt"/>.</summary>
    public string? Prompt { get; init; }

    /// <summary>As <see cref="RestoreOptions.NegativePrompt"/>.</summary>
    public string? Negative { get; init; }

    /// <summary><c>auto</c>, <c>tile</c>, <c>none</c>, a photo, or a folder with a reference for each image, of its name.</summary>
    public string? Reference { get; init; }

    /// <summary>As <see cref="RestoreOptions.Fidelity"/>; 0: without the decoder's feature wrapping.</summary>
    public double? Fidelity { get; init; }

    /// <summary>As <see cref="RestoreOptions.ColourFix"/>.</summary>
    public ColourFixKind? Color { get; init; }

    /// <summary>As <see cref="RestoreOptions.Cognition"/>.</summary>
    public bool? Cognition { get; init; }

    /// <summary>As <see cref="RestoreOptions.Seed"/>.</summary>
    public long? Seed { get; init; }

    /// <summary>This row with another's settings where it has none.</summary>
    public AblationRow Over(AblationRow other) =>
        new()
        {
            Name = Name,
            Model = Model ?? other.Model,
            Preset = Preset ?? other.Preset,
            Steps = Steps ?? other.Steps,
            Sampler = Sampler ?? other.Sampler,
            Guidance = Guidance ?? other.Guidance,
            Prompt = Prompt ?? other.Prompt,
            Negative = Negative ?? other.Negative,
            Reference = Reference ?? other.Reference,
            Fidelity = Fidelity ?? other.Fidelity,
            Color = Color ?? other.Color,
            Cognition = Cognition ?? other.Cognition,
            Seed = Seed ?? other.Seed,
        };

    /// <summary>How it restores.</summary>
    /// <param name="otherwise">Where neither this row nor what it has in common with others says anything.</param>
    /// <param name="reference">The photo or folder of references; null: none of the user's own.</param>
    public RestoreOptions Options(RestoreOptions otherwise, out string? reference)
    {
        ReferenceSource source = Reference switch
        {
            null => otherwise.Reference,
            "auto" => ReferenceSource.Auto,
            "tile" => ReferenceSource.PerTile,
            "none" => ReferenceSource.None,
            _ => ReferenceSource.Photo,
        };
        reference = source == ReferenceSource.Photo ? Reference : null;
        return otherwise with
        {
            Seed = Seed ?? otherwise.Seed,
            Preset = Preset ?? otherwise.Preset,
            Steps = Steps ?? otherwise.Steps,
            Sampler = Sampler ?? otherwise.Sampler,
            Guidance = Guidance ?? otherwise.Guidance,
            Prompt = Prompt ?? otherwise.Prompt,
            NegativePrompt = Negative ?? otherwise.NegativePrompt,
            Reference = source,
            Fidelity = Fidelity ?? otherwise.Fidelity,
            ColourFix = Color ?? otherwise.ColourFix,
            Cognition = Cognition ?? otherwise.Cognition,
        };
    }
}
