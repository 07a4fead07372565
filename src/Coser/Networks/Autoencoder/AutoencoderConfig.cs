using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Coser.Networks.Autoencoder;

/// <summary>Hyper-parameters of an <see cref="KlAutoencoder"/>, under the names of latent diffusion's <c>ddconfig</c>.</summary>
public sealed record AutoencoderConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "autoencoder_kl";

    /// <summary>Channels of a latent.</summary>
    [JsonPropertyName("embed_dim")]
    public int EmbedDim { get; init; } = 4;

    /// <summary>Channels between the encoder and the last linear map to the latent, and back.</summary>
    [JsonPropertyName("z_channels")]
    public int ZChannels { get; init; } = 4;

    /// <summary>Channels of the photo.</summary>
    [JsonPropertyName("in_channels")]
    public int InChannels { get; init; } = 3;

    /// <summary>Channels of the decoded photo.</summary>
    [JsonPropertyName("out_ch")]
    public int OutChannels { get; init; } = 3;

    /// <summary>Channels at full resolution, before <see cref="ChannelMultipliers"/>.</summary>
    [JsonPropertyName("ch")]
    public int Channels { get; init; } = 128;

    /// <summary>Width of each level over <see cref="Channels"/>; each level after the first has half the resolution.</summary>
    [JsonPropertyName("ch_mult")]
    public IReadOnlyList<int> ChannelMultipliers { get; init; } = [1, 2, 4, 4];

    /// <summary>Residual blocks a level in the encoder; the decoder has one more.</summary>
    [JsonPropertyName("num_res_blocks")]
    public int ResBlocks { get; init; } = 2;

    /// <summary>Groups of every GroupNorm. At one channel a group intensity is lost: small networks take fewer.</summary>
    [JsonPropertyName("norm_groups")]
    public int NormGroups { get; init; } = 32;

    /// <summary>Self-attention at the lowest resolution. Without it the network sees photos of all sizes alike.</summary>
    [JsonPropertyName("mid_attention")]
    public bool MidAttention { get; init; } = true;

    /// <summary>What latents are multiplied by for the diffusion model, where no statistics are given.</summary>
    [JsonPropertyName("scale_factor")]
    public double ScaleFactor { get; init; } = 0.18215;

    /// <summary>Mean of every latent channel over photos; null: <see cref="ScaleFactor"/> alone counts.</summary>
    [JsonPropertyName("latent_mean")]
    public IReadOnlyList<double>? LatentMean { get; init; }

    /// <summary>Standard deviation of every latent channel over photos, given together with <see cref="LatentMean"/>.</summary>
    [JsonPropertyName("latent_std")]
    public IReadOnlyList<double>? LatentStd { get; init; }

    /// <summary>
    /// Residual-in-residual blocks of each feature fusion (StableSR's controllable feature wrapping), between its two residual
    /// blocks; 0: only those two; null: the decoder has no fusion.
    /// </summary>
    [JsonPropertyName("num_fuse_block")]
    public int? FuseBlocks { get; init; }

    /// <summary>Growth of the dense layers inside those blocks.</summary>
    [JsonPropertyName("rrdb_growth")]
    public int FuseGrowth { get; init; } = 32;

    /// <summary>
    /// Levels whose encoder features the decoder fuses, 0 at full resolution; null: all but the outermost and the innermost,
    /// as in the published checkpoints.
    /// </summary>
    [JsonPropertyName("fuse_levels")]
    public IReadOnlyList<int>? FuseLevels { get; init; }

    /// <summary>How many pixels of the photo, along one side, make one of the latent.</summary>
    [JsonIgnore]
    public int Reduction => 1 << (ChannelMultipliers.Count - 1);

    /// <summary>Channels of a level, from 0 at full resolution.</summary>
    internal int Width(int level) => Channels * ChannelMultipliers[level];

    /// <summary>The levels that are fused, from the outermost on.</summary>
    internal IEnumerable<int> FusedLevels =>
        FuseLevels?.Order() ?? Enumerable.Range(1, Math.Max(0, ChannelMultipliers.Count - 2));

    /// <summary>Refuses what cannot be built.</summary>
    /// <exception cref="ArgumentException">A size is below 1 or does not divide; the message names it.</exception>
    internal void Validate()
    {
        Require(
            EmbedDim >= 1 && ZChannels >= 1 && InChannels >= 1 && OutChannels >= 1 && Channels >= 1 && ResBlocks >= 1,
            "embed_dim, z_channels, in_channels, out_ch, ch and num_res_blocks must be at least 1"
        );
        Require(
            ChannelMultipliers.Count is >= 1 and <= 8 && ChannelMultipliers.All(m => m >= 1),
            "ch_mult must have 1 to 8 numbers of at least 1"
        );
        Require(
            NormGroups >= 1 && ChannelMultipliers.All(m => Channels * m % NormGroups == 0),
            $"norm_groups {NormGroups} must divide every width"
        );
        Require(
            FuseBlocks is null or >= 0 && FuseGrowth >= 1,
            "num_fuse_block must be at least 0, rrdb_growth at least 1"
        );
        Require(
            FuseLevels is null
                || FuseLevels.All(l => l >= 0 && l < ChannelMultipliers.Count)
                    && FuseLevels.Distinct().Count() == FuseLevels.Count,
            $"fuse_levels are different levels from 0 to {ChannelMultipliers.Count - 1}"
        );
        Require(
            LatentMean is null == LatentStd is null
                && (LatentMean?.Count ?? EmbedDim) == EmbedDim
                && (LatentStd?.Count ?? EmbedDim) == EmbedDim
                && (LatentStd?.All(s => s > 0) ?? true),
            "latent_mean and latent_std must both have embed_dim numbers, deviations above 0"
        );
    }

    [SuppressMessage("Usage", "MA0015", Justification = "No parameter is wrong; the message names the setting.")]
    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}
