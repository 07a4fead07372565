using System.Text.Json;
using Coser.Diffusion;

namespace Coser.Restoration;

/// <summary>Sampling effort by name.</summary>
public enum Preset
{
    /// <summary>As quick as is useful.</summary>
    Fast,

    /// <summary>The default.</summary>
    Balanced,

    /// <summary>As good as the model can.</summary>
    Best,
}

/// <summary>What stands in the reference's place when there is none.</summary>
public enum MissingReference
{
    /// <summary>Nothing: the reference branch stays silent.</summary>
    Silent,

    /// <summary>The latent of an all-grey (zero) image, as in the reproduction's tile script.</summary>
    ZeroImage,
}

/// <summary>What a preset sets.</summary>
public sealed record PresetConfig
{
    /// <summary>Steps of the SR sampling.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Steps of the reference's.</summary>
    public int ReferenceSteps { get; init; } = 50;

    /// <summary>Sampler of both.</summary>
    public SamplerKind Sampler { get; init; } = SamplerKind.Ddpm;

    /// <summary>Guidance scale of the SR sampling; 1 is none.</summary>
    public double Guidance { get; init; } = 3;

    /// <summary>Guidance scale of the reference's.</summary>
    public double ReferenceGuidance { get; init; } = 3;
}

/// <summary>How a model was trained to be used: <c>restoration</c> in model.json. The defaults are the reproduction's.</summary>
public sealed record RestorationConfig
{
    private const int MostPixels = 1 << 15;
    private const int MostSteps = 1000;
    private const int LastTimestep = 999;
    private const double MostFactor = 100;

    /// <summary>Side of the photos the networks were trained on, in result pixels.</summary>
    public int TrainSize { get; init; } = 512;

    /// <summary>What neighbouring tiles of a larger latent share, in result pixels; a multiple of the autoencoder's reduction.</summary>
    public int TileOverlap { get; init; } = 256;

    /// <summary>Tiles that are sampled together.</summary>
    public int TileBatch { get; init; } = 1;

    /// <summary>How the LR photo is enlarged before it is encoded: what sampling starts from and looks at.</summary>
    public EnlargementKind Enlargement { get; init; }

    /// <summary>Timestep from which the reference is painted, over the noised LR latent.</summary>
    public int ReferenceStart { get; init; } = 999;

    /// <summary>Timestep from which the result is.</summary>
    public int Start { get; init; } = 999;

    /// <summary>How timesteps are spread.</summary>
    public TimestepSpacing Spacing { get; init; }

    /// <summary>What stands for a missing reference.</summary>
    public MissingReference MissingReference { get; init; } = MissingReference.ZeroImage;

    /// <summary>Weight of the LR photo's features in the decoder.</summary>
    public double Fidelity { get; init; } = 0.5;

    /// <summary>
    /// Standard deviation, in [0,1], of noise on the enlarged LR photo where the decoder takes its features from. A decoder that
    /// was trained with it makes grain and texture of it, where it would else repeat one pattern (Rakotonirina and Rasoanaivo,
    /// ICASSP 2020, give noise to the whole generator). The same in training and in use.
    /// </summary>
    public double FeatureNoise { get; init; }

    /// <summary>Colour correction.</summary>
    public ColourFixKind ColourFix { get; init; } = ColourFixKind.AdaIn;

    /// <summary>
    /// Factor of the result's high frequencies where <see cref="ColourFixKind.Wavelet"/> puts them on the photo's low ones: a decoder
    /// that learned from means of what may have been paints detail too faint. Not in training.
    /// </summary>
    public double Detail { get; init; } = 1;

    /// <summary>How strong those high frequencies may be beside the photo's own; null: any. Not in training.</summary>
    public DetailLimit? DetailLimit { get; init; }

    /// <summary>What the negative side of the guidance is told.</summary>
    public string NegativePrompt { get; init; } = "";

    /// <summary>Longest side of what is sampled at once, in result pixels; larger photos are cut into super-tiles.</summary>
    public int CanvasSize { get; init; } = 1280;

    /// <summary>The presets; one that is missing is the default record.</summary>
    public IReadOnlyDictionary<Preset, PresetConfig> Presets { get; init; } = new Dictionary<Preset, PresetConfig>();

    /// <summary>For the reproduction's checkpoints: its settings; <see cref="Preset.Best"/> is the paper's 200 DDPM steps.</summary>
    public static RestorationConfig Reproduction { get; } =
        new()
        {
            NegativePrompt = "blurry, noisy, low resolution, compression artefacts, oversmoothed, watermark",
            Presets = new Dictionary<Preset, PresetConfig>
            {
                [Preset.Fast] = new()
                {
                    Steps = 10,
                    ReferenceSteps = 10,
                    Sampler = SamplerKind.Dpm,
                },
                [Preset.Balanced] = new()
                {
                    Steps = 25,
                    ReferenceSteps = 20,
                    Sampler = SamplerKind.Dpm,
                },
                [Preset.Best] = new() { Steps = 200, ReferenceSteps = 200 },
            },
        };

    /// <summary>What a preset sets for this model.</summary>
    public PresetConfig Of(Preset preset) => Presets.GetValueOrDefault(preset) ?? new PresetConfig();

    /// <summary>What cannot be restored with: the setting's name, its value and what it must be; null when there is nothing.</summary>
    internal string? Fault()
    {
        IEnumerable<(string Name, double Value, double Least, double Most)> settings =
        [
            ("train_size", TrainSize, 8, MostPixels),
            ("tile_overlap", TileOverlap, 0, TrainSize),
            ("tile_batch", TileBatch, 1, MostPixels),
            ("canvas_size", CanvasSize, TrainSize, MostPixels),
            ("reference_start", ReferenceStart, 0, LastTimestep),
            ("start", Start, 0, LastTimestep),
            ("fidelity", Fidelity, 0, 1),
            ("feature_noise", FeatureNoise, 0, 1),
            ("detail", Detail, 0, MostFactor),
            ("detail_limit.ratio", DetailLimit?.Ratio ?? 0, 0, MostFactor),
            ("detail_limit.floor", DetailLimit?.Floor ?? 0, 0, 1),
            .. Presets.SelectMany(p => Preset(JsonNamingPolicy.SnakeCaseLower.ConvertName($"{p.Key}"), p.Value)),
        ];
        return settings
            .Where(s => !(s.Value >= s.Least && s.Value <= s.Most))
            .Select(s =>
                FormattableString.Invariant($"restoration.{s.Name} is {s.Value}; it must lie in {s.Least}..{s.Most}")
            )
            .FirstOrDefault();

        static IEnumerable<(string Name, double Value, double Least, double Most)> Preset(
            string name,
            PresetConfig p
        ) =>
            [
                ($"presets.{name}.steps", p.Steps, 1, MostSteps),
                ($"presets.{name}.reference_steps", p.ReferenceSteps, 1, MostSteps),
                ($"presets.{name}.guidance", p.Guidance, 1, MostFactor),
                ($"presets.{name}.reference_guidance", p.ReferenceGuidance, 1, MostFactor),
            ];
    }
}
