namespace Coser.Client.Contract;

/// <summary>What is asked of a restoration. Where a member is null, the model or the preset decides.</summary>
public sealed record JobSettings
{
    /// <summary>Name of a model that the server has.</summary>
    public string? Model { get; init; }

    /// <summary>Enlargement, above 0 and at most the model's own.</summary>
    public double? Scale { get; init; }

    /// <summary>Seed of every random draw; 42 if it is not given.</summary>
    public long? Seed { get; init; }

    /// <summary>Effort.</summary>
    public PresetName? Preset { get; init; }

    /// <summary>Sampling steps, 1 to 1000.</summary>
    public int? Steps { get; init; }

    /// <summary>Sampler.</summary>
    public SamplerName? Sampler { get; init; }

    /// <summary>Guidance scale, 1 to 100; 1 is none.</summary>
    public double? Guidance { get; init; }

    /// <summary>What the photo shows, in the user's words; at most 2000 characters.</summary>
    public string? Prompt { get; init; }

    /// <summary>What the result should not be; at most 2000 characters.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Where the reference comes from.</summary>
    public ReferenceName? Reference { get; init; }

    /// <summary>Weight of the input's own features in the decoder, 0 to 1.</summary>
    public double? Fidelity { get; init; }

    /// <summary>How colours are brought back to the input's.</summary>
    public ColourFixName? ColourFix { get; init; }

    /// <summary>Format of the result; null: the input's, or PNG where that cannot be written.</summary>
    public FormatName? Format { get; init; }

    /// <summary>Quality of JPEG, WebP and AVIF results, 1 to 100.</summary>
    public int? Quality { get; init; }

    /// <summary>Longest side of the parts a photo is worked in, in input pixels; 0: the model's own.</summary>
    public int? Tile { get; init; }
}

/// <summary>Effort by name.</summary>
public enum PresetName
{
    /// <summary>As quick as is useful.</summary>
    Fast,

    /// <summary>In between.</summary>
    Balanced,

    /// <summary>As good as the model can.</summary>
    Best,
}

/// <summary>Samplers.</summary>
public enum SamplerName
{
    /// <summary>Ancestral sampling.</summary>
    Ddpm,

    /// <summary>DDIM, deterministic.</summary>
    Ddim,

    /// <summary>DPM-Solver++ 2M, deterministic.</summary>
    Dpm,

    /// <summary>DPM-Solver++ 2M for the SDE.</summary>
    DpmSde,
}

/// <summary>Sources of the reference image.</summary>
public enum ReferenceName
{
    /// <summary>The model paints one for the whole photo.</summary>
    Auto,

    /// <summary>The model paints one for every tile.</summary>
    PerTile,

    /// <summary>There is none.</summary>
    None,

    /// <summary>A photo of the user's, sent along.</summary>
    Photo,
}

/// <summary>Colour corrections.</summary>
public enum ColourFixName
{
    /// <summary>None.</summary>
    None,

    /// <summary>Mean and deviation of each channel are the input's.</summary>
    AdaIn,

    /// <summary>The low frequencies are the input's.</summary>
    Wavelet,
}

/// <summary>Formats of results.</summary>
public enum FormatName
{
    /// <summary>JPEG.</summary>
    Jpeg,

    /// <summary>PNG.</summary>
    Png,

    /// <summary>WebP.</summary>
    Webp,

    /// <summary>TIFF.</summary>
    Tiff,

    /// <summary>AVIF.</summary>
    Avif,
}
