using Coser.Diffusion;
using Coser.Imaging;
using TorchSharp;

namespace Coser.Restoration;

/// <summary>Where the reference image comes from.</summary>
public enum ReferenceSource
{
    /// <summary>The model paints it from what it understands of the photo.</summary>
    Auto,

    /// <summary>The model paints one for every tile of a large photo: slower, each from its own part of the photo.</summary>
    PerTile,

    /// <summary>There is none.</summary>
    None,

    /// <summary>The user's own (<see cref="RestoreOptions.ReferencePhoto"/>).</summary>
    Photo,
}

/// <summary>How one photo is restored. The same options, seed, thread count and tile size give the same bytes.</summary>
public sealed record RestoreOptions
{
    /// <summary>The most sampling steps.</summary>
    public const int MaxSteps = 1000;

    /// <summary>The largest guidance scale.</summary>
    public const double MaxGuidance = 100;

    /// <summary>Enlargement, above 0 and at most the model's own factor (4); smaller ones are shrunk from the full result.</summary>
    public double Scale { get; init; } = 4;

    /// <summary>Seed of every random draw. A model with the pre-SR network alone draws nothing.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>
    /// Longest side of the parts the photo is cut into, in input pixels; 0: the model's own. Parts of the pre-SR have the
    /// network's whole receptive field around them; parts of the full model overlap and fade into each other.
    /// </summary>
    public int Tile { get; init; }

    /// <summary>Effort. What follows, where it is not null, takes precedence over it.</summary>
    public Preset Preset { get; init; } = Preset.Balanced;

    /// <summary>Sampling steps of result and reference, 1 to 1000.</summary>
    public int? Steps { get; init; }

    /// <summary>Sampler of both.</summary>
    public SamplerKind? Sampler { get; init; }

    /// <summary>Guidance scale of the result, at least 1; 1 is none.</summary>
    public double? Guidance { get; init; }

    /// <summary>What the photo shows, in the user's words, beside what the model understands.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>What the result should not be; null: the model's own words.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Where the reference comes from.</summary>
    public ReferenceSource Reference { get; init; }

    /// <summary>The user's reference, for <see cref="ReferenceSource.Photo"/>; it stays the caller's.</summary>
    public Photo? ReferencePhoto { get; init; }

    /// <summary>Weight of the input's own features in the decoder, 0 to 1; null: the model's.</summary>
    public double? Fidelity { get; init; }

    /// <summary>Colour correction; null: the model's.</summary>
    public ColourFixKind? ColourFix { get; init; }

    /// <summary>False: the model is told nothing of what it sees in the photo. For measuring what cognition brings.</summary>
    public bool Cognition { get; init; } = true;

    /// <summary>True: pictures of the stages are kept in <see cref="RestoredPhoto.Stages"/>.</summary>
    public bool KeepStages { get; init; }

    /// <summary>Where the sampler's state is saved from time to time, and looked for; null: nowhere.</summary>
    public ResumeStore? Resume { get; init; }

    /// <summary>Refuses what cannot be done.</summary>
    /// <param name="scale">The model's enlargement.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    /// <exception cref="ArgumentException">A reference photo is missing.</exception>
    internal static void Validate(RestoreOptions options, int scale)
    {
        Require(options.Scale > 0 && options.Scale <= scale, $"the scale must be above 0 and at most {scale}");
        Require(options.Steps is null or (>= 1 and <= MaxSteps), $"steps must be from 1 to {MaxSteps}");
        Require(
            options.Guidance is null or (>= 1 and <= MaxGuidance),
            $"the guidance scale must be from 1 to {MaxGuidance}"
        );
        Require(options.Fidelity is null or (>= 0 and <= 1), "fidelity must be from 0 to 1");
        Require(options.Tile >= 0, "the tile must be 0 or more");
        if (options.Reference == ReferenceSource.Photo && options.ReferencePhoto is null)
            throw new ArgumentException("the reference is to be a photo, and there is none", nameof(options));

        void Require(bool condition, string message)
        {
            if (!condition)
                throw new ArgumentOutOfRangeException(nameof(options), message);
        }
    }
}

/// <summary>Where work stands: <paramref name="Step"/> of <paramref name="Steps"/> of a stage is done.</summary>
/// <param name="Stage">Name of the stage, as in <see cref="RestoredPhoto.Timings"/>.</param>
/// <param name="Preview">
/// Decodes how the picture stands, [1,3,H,W] in [0,1], for the caller to dispose; to be called before the report returns,
/// or not at all. Null where there is nothing to see.
/// </param>
public sealed record RestoreProgress(string Stage, int Step, int Steps, Func<torch.Tensor>? Preview = null);

/// <summary>Seconds one stage took.</summary>
public sealed record StageTiming(string Stage, double Seconds);

/// <summary>A restored photo, ready to be saved, with what is known of its making.</summary>
public sealed class RestoredPhoto(
    Photo photo,
    IReadOnlyList<StageTiming> timings,
    Photo? reference = null,
    IReadOnlyDictionary<string, Photo>? stages = null
) : IDisposable
{
    /// <summary>The enlarged photo with the input's alpha, profile and metadata.</summary>
    public Photo Photo { get; } = photo;

    /// <summary>Seconds by stage, in order.</summary>
    public IReadOnlyList<StageTiming> Timings { get; } = timings;

    /// <summary>The reference image that was used; null when there was none.</summary>
    public Photo? Reference { get; } = reference;

    /// <summary>Pictures of the stages, by name, if they were asked for.</summary>
    public IReadOnlyDictionary<string, Photo> Stages { get; } = stages ?? new Dictionary<string, Photo>();

    /// <inheritdoc/>
    public void Dispose()
    {
        Photo.Dispose();
        Reference?.Dispose();
        foreach (Photo stage in Stages.Values)
            stage.Dispose();
    }
}
