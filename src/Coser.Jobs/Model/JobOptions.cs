using Coser.Diffusion;
using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Jobs.Model;

/// <summary>
/// What a job asks of its restoration: the options of <c>coser upscale</c>. Kept as JSON with the job; where a value is
/// null, the model or the preset decides.
/// </summary>
public sealed record JobOptions
{
    /// <summary>A model's name or folder, as the worker finds it.</summary>
    public string Model { get; init; } = "coser-mini";

    /// <summary>Enlargement; 0 stands for the model's own.</summary>
    public double Scale { get; init; }

    /// <summary>Seed of every random draw.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>Longest side of the parts a photo is cut into, in input pixels; 0: the model's own.</summary>
    public int Tile { get; init; }

    /// <summary>Effort.</summary>
    public Preset Preset { get; init; } = Preset.Balanced;

    /// <summary>Sampling steps.</summary>
    public int? Steps { get; init; }

    /// <summary>Sampler.</summary>
    public SamplerKind? Sampler { get; init; }

    /// <summary>Guidance scale.</summary>
    public double? Guidance { get; init; }

    /// <summary>What the photo shows, in the user's words.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>What the result should not be.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Where the reference comes from; for <see cref="ReferenceSource.Photo"/> the job has a reference file.</summary>
    public ReferenceSource Reference { get; init; }

    /// <summary>Weight of the input's own features in the decoder.</summary>
    public double? Fidelity { get; init; }

    /// <summary>Colour correction.</summary>
    public ColourFixKind? ColourFix { get; init; }

    /// <summary>Format of the result; null: the input's.</summary>
    public PhotoFormat? Format { get; init; }

    /// <summary>Quality of JPEG, WebP and AVIF files.</summary>
    public int? Quality { get; init; }

    /// <summary>Number format of the networks.</summary>
    public Precision Precision { get; init; }

    /// <summary>Largest photo that is decoded, in pixels; null: the library's own limit.</summary>
    public long? MaxPixels { get; init; }

    /// <summary>Keep the pictures of the stages and the reference beside the result.</summary>
    public bool KeepStages { get; init; }

    /// <summary>Write previews while sampling.</summary>
    public bool Previews { get; init; }

    /// <summary>As the library takes them, but for the scale, the reference photo and the place of saved states.</summary>
    public RestoreOptions ToRestoreOptions() =>
        new()
        {
            Seed = Seed,
            Tile = Tile,
            Preset = Preset,
            Steps = Steps,
            Sampler = Sampler,
            Guidance = Guidance,
            Prompt = Prompt,
            NegativePrompt = NegativePrompt,
            Reference = Reference,
            Fidelity = Fidelity,
            ColourFix = ColourFix,
            KeepStages = KeepStages,
        };

    /// <summary>The other way round; what the library's options do not know is left at its default.</summary>
    public static JobOptions From(RestoreOptions options) =>
        new()
        {
            Seed = options.Seed,
            Tile = options.Tile,
            Preset = options.Preset,
            Steps = options.Steps,
            Sampler = options.Sampler,
            Guidance = options.Guidance,
            Prompt = options.Prompt,
            NegativePrompt = options.NegativePrompt,
            Reference = options.Reference,
            Fidelity = options.Fidelity,
            ColourFix = options.ColourFix,
            KeepStages = options.KeepStages,
        };
}
