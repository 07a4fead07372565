using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Coser.Networks.Unet;

/// <summary>
/// What the UNet and the control encoder have in common: the way down, under the names of latent diffusion's
/// configurations. The defaults are full size (SD 2.1-base).
/// </summary>
public abstract record EncoderConfig
{
    /// <summary>Channels of a latent.</summary>
    [JsonPropertyName("in_channels")]
    public int InChannels { get; init; } = 4;

    /// <summary>Channels at the latent's resolution, before <see cref="ChannelMultipliers"/>.</summary>
    [JsonPropertyName("model_channels")]
    public int ModelChannels { get; init; } = 320;

    /// <summary>Width of each level over <see cref="ModelChannels"/>; each level after the first has half the resolution.</summary>
    [JsonPropertyName("channel_mult")]
    public IReadOnlyList<int> ChannelMultipliers { get; init; } = [1, 2, 4, 4];

    /// <summary>Residual blocks a level on the way down; the way up has one more.</summary>
    [JsonPropertyName("num_res_blocks")]
    public int ResBlocks { get; init; } = 2;

    /// <summary>Reductions (1, 2, 4, ...) at which there is a transformer beside every residual block.</summary>
    [JsonPropertyName("attention_resolutions")]
    public IReadOnlyList<int> AttentionResolutions { get; init; } = [4, 2, 1];

    /// <summary>Channels of an attention head.</summary>
    [JsonPropertyName("num_head_channels")]
    public int HeadChannels { get; init; } = 64;

    /// <summary>Blocks of every transformer.</summary>
    [JsonPropertyName("transformer_depth")]
    public int TransformerDepth { get; init; } = 1;

    /// <summary>True: the weights around a transformer are matrices; false: 1x1 convolutions, the same numbers.</summary>
    [JsonPropertyName("use_linear_in_transformer")]
    public bool LinearInTransformer { get; init; } = true;

    /// <summary>Channels of a context token: prompt and cognitive embedding.</summary>
    [JsonPropertyName("context_dim")]
    public int ContextDim { get; init; } = 1024;

    /// <summary>Groups of every GroupNorm. At one channel a group intensity is lost: small networks take fewer.</summary>
    [JsonPropertyName("norm_groups")]
    public int NormGroups { get; init; } = 32;

    /// <summary>The timestep scales a residual block's features, too, not only shifts them.</summary>
    [JsonPropertyName("use_scale_shift_norm")]
    public bool ScaleShift { get; init; }

    /// <summary>Residual blocks change the resolution, instead of a convolution.</summary>
    [JsonPropertyName("resblock_updown")]
    public bool ResBlockResampling { get; init; }

    /// <summary>What the sides of a latent must be multiples of.</summary>
    [JsonIgnore]
    public int Reduction => 1 << (ChannelMultipliers.Count - 1);

    /// <summary>Channels of the timestep's embedding.</summary>
    internal int EmbeddingWidth => 4 * ModelChannels;

    internal int Width(int level) => ModelChannels * ChannelMultipliers[level];

    internal bool Attends(int level) => AttentionResolutions.Contains(1 << level);

    /// <summary>Refuses what cannot be built.</summary>
    /// <exception cref="ArgumentException">A size is below 1 or does not divide; the message names it.</exception>
    internal void Validate()
    {
        Require(
            InChannels >= 1 && ModelChannels >= 1 && ResBlocks >= 1 && HeadChannels >= 1 && TransformerDepth >= 1,
            "in_channels, model_channels, num_res_blocks, num_head_channels and transformer_depth must be at least 1"
        );
        Require(ContextDim >= 1, "context_dim must be at least 1");
        Require(
            ChannelMultipliers.Count is >= 1 and <= 8 && ChannelMultipliers.All(m => m >= 1),
            "channel_mult must have 1 to 8 numbers of at least 1"
        );
        // The middle attends at whatever width the last level has.
        Require(
            Enumerable
                .Range(0, ChannelMultipliers.Count)
                .Where(l => Attends(l) || l == ChannelMultipliers.Count - 1)
                .All(l => Width(l) % HeadChannels == 0),
            $"num_head_channels {HeadChannels} must divide the width of every level that attends"
        );
        Require(
            NormGroups >= 1 && ChannelMultipliers.All(m => ModelChannels * m % NormGroups == 0),
            $"norm_groups {NormGroups} must divide every width"
        );
    }

    [SuppressMessage("Usage", "MA0015", Justification = "No parameter is wrong; the message names the setting.")]
    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}

/// <summary>Hyper-parameters of a <see cref="UnetModel"/>.</summary>
public sealed record UnetConfig : EncoderConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "unet_aia";

    /// <summary>Channels of the prediction.</summary>
    [JsonPropertyName("out_channels")]
    public int OutChannels { get; init; } = 4;

    /// <summary>
    /// True: the transformers of the middle and of the way up also look at the LR photo and at the reference. False: a plain
    /// text-to-image UNet.
    /// </summary>
    [JsonPropertyName("all_in_attention")]
    public bool AllInAttention { get; init; } = true;
}

/// <summary>Hyper-parameters of a <see cref="ControlEncoder"/>.</summary>
public sealed record ControlConfig : EncoderConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "control";

    /// <summary>The reproduction's own values.</summary>
    public ControlConfig() => AttentionResolutions = [4, 3, 1];

    /// <summary>The way down of a UNet, so that its weights fit.</summary>
    public static ControlConfig Like(UnetConfig unet) =>
        new()
        {
            InChannels = unet.InChannels,
            ModelChannels = unet.ModelChannels,
            ChannelMultipliers = unet.ChannelMultipliers,
            ResBlocks = unet.ResBlocks,
            AttentionResolutions = unet.AttentionResolutions,
            HeadChannels = unet.HeadChannels,
            TransformerDepth = unet.TransformerDepth,
            LinearInTransformer = unet.LinearInTransformer,
            ContextDim = unet.ContextDim,
            NormGroups = unet.NormGroups,
            ScaleShift = unet.ScaleShift,
            ResBlockResampling = unet.ResBlockResampling,
        };
}
