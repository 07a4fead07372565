using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Coser.Networks.Layers;

namespace Coser.Networks.Clip;

/// <summary>Hyper-parameters of <see cref="ClipModel"/>, under open_clip's names (<c>model_configs/*.json</c>).</summary>
public sealed record ClipConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "clip";

    /// <summary>Width of the joint space of images and texts.</summary>
    [JsonPropertyName("embed_dim")]
    public int EmbedDim { get; init; } = 1024;

    /// <summary>The image tower.</summary>
    [JsonPropertyName("vision_cfg")]
    public ClipVisionConfig Vision { get; init; } = new();

    /// <summary>The text tower.</summary>
    [JsonPropertyName("text_cfg")]
    public ClipTextConfig Text { get; init; } = new();

    /// <summary>True: <see cref="GeluKind.QuickGelu"/>; false: the exact GELU.</summary>
    [JsonPropertyName("quick_gelu")]
    public bool QuickGelu { get; init; }

    /// <summary>How pixels are normalised.</summary>
    [JsonPropertyName("preprocess_cfg")]
    public ClipPreprocessConfig Preprocess { get; init; } = new();

    /// <summary>The towers' activation.</summary>
    [JsonIgnore]
    public GeluKind Activation => QuickGelu ? GeluKind.QuickGelu : GeluKind.Gelu;

    /// <summary>Refuses what cannot be built.</summary>
    /// <exception cref="ArgumentException">A size is below 1 or does not divide; the message names it.</exception>
    internal void Validate()
    {
        Require(EmbedDim >= 1, "embed_dim must be at least 1");
        Require(
            Vision is { PatchSize: >= 1, Layers: >= 1, Width: >= 1, HeadWidth: >= 1, MlpRatio: > 0 },
            "vision_cfg: every size must be at least 1"
        );
        Require(
            Vision.ImageSize >= Vision.PatchSize && Vision.ImageSize % Vision.PatchSize == 0,
            $"vision_cfg: image_size {Vision.ImageSize} is no multiple of patch_size {Vision.PatchSize}"
        );
        Require(
            Vision.Width % Vision.HeadWidth == 0,
            $"vision_cfg: width {Vision.Width} is no multiple of head_width {Vision.HeadWidth}"
        );
        Require(
            Text is { ContextLength: >= 2, VocabSize: >= 2, Layers: >= 1, Width: >= 1, Heads: >= 1, MlpRatio: > 0 },
            "text_cfg: context_length and vocab_size must be at least 2, every other size 1"
        );
        Require(Text.Width % Text.Heads == 0, $"text_cfg: width {Text.Width} is no multiple of heads {Text.Heads}");
        Require(
            Preprocess.Mean.Count == 3 && Preprocess.Std.Count == 3,
            "preprocess_cfg: mean and std have three numbers"
        );
    }

    [SuppressMessage("Usage", "MA0015", Justification = "No parameter is wrong; the message names the setting.")]
    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}

/// <summary>A vision transformer; the defaults are ViT-H/14's.</summary>
public sealed record ClipVisionConfig
{
    /// <summary>Side of the square input, pixels.</summary>
    [JsonPropertyName("image_size")]
    public int ImageSize { get; init; } = 224;

    /// <summary>Side of a patch, pixels: (image_size / patch_size)^2 + 1 tokens.</summary>
    [JsonPropertyName("patch_size")]
    public int PatchSize { get; init; } = 14;

    /// <summary>Transformer blocks.</summary>
    [JsonPropertyName("layers")]
    public int Layers { get; init; } = 32;

    /// <summary>Channels of a token.</summary>
    [JsonPropertyName("width")]
    public int Width { get; init; } = 1280;

    /// <summary>Channels of an attention head.</summary>
    [JsonPropertyName("head_width")]
    public int HeadWidth { get; init; } = 80;

    /// <summary>Hidden width of the MLP over the token's.</summary>
    [JsonPropertyName("mlp_ratio")]
    public double MlpRatio { get; init; } = 4;
}

/// <summary>A causal text transformer; the defaults are ViT-H/14's.</summary>
public sealed record ClipTextConfig
{
    /// <summary>Tokens of a text, start and end included.</summary>
    [JsonPropertyName("context_length")]
    public int ContextLength { get; init; } = 77;

    /// <summary>Entries of the vocabulary. The end-of-text id must be the last one: pooling looks for the largest id.</summary>
    [JsonPropertyName("vocab_size")]
    public int VocabSize { get; init; } = 49408;

    /// <summary>Channels of a token.</summary>
    [JsonPropertyName("width")]
    public int Width { get; init; } = 1024;

    /// <summary>Attention heads.</summary>
    [JsonPropertyName("heads")]
    public int Heads { get; init; } = 16;

    /// <summary>Transformer blocks.</summary>
    [JsonPropertyName("layers")]
    public int Layers { get; init; } = 24;

    /// <summary>Hidden width of the MLP over the token's.</summary>
    [JsonPropertyName("mlp_ratio")]
    public double MlpRatio { get; init; } = 4;
}

/// <summary>Normalisation of pixels; the defaults are OpenAI's statistics, which open_clip kept.</summary>
public sealed record ClipPreprocessConfig
{
    /// <summary>Mean of red, green, blue in [0,1].</summary>
    [JsonPropertyName("mean")]
    public IReadOnlyList<float> Mean { get; init; } = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>Standard deviation of red, green, blue in [0,1].</summary>
    [JsonPropertyName("std")]
    public IReadOnlyList<float> Std { get; init; } = [0.26862954f, 0.26130258f, 0.27577711f];
}
