using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Autoencoder;

/// <summary>
/// The KL autoencoder of latent diffusion (Rombach et al., CVPR 2022), and with feature fusions in its decoder StableSR's
/// controllable feature wrapping (CoSeR's paper, section 3.4). Keys are those of <c>first_stage_model</c>.
/// </summary>
public sealed class KlAutoencoder : nn.Module
{
    private static readonly Dictionary<int, Tensor> NoFeatures = [];

    [ComponentName(Name = "encoder")]
    private readonly Encoder _encoder;

    [ComponentName(Name = "decoder")]
    private readonly Decoder _decoder;

    [ComponentName(Name = "quant_conv")]
    private readonly Conv _toLatent;

    [ComponentName(Name = "post_quant_conv")]
    private readonly Conv _fromLatent;

    /// <summary>Builds the network with PyTorch's own initialisation.</summary>
    /// <param name="device">META: shapes only, to be filled later. Null: the CPU.</param>
    /// <exception cref="ArgumentException">The configuration cannot be built; the message names the setting.</exception>
    public KlAutoencoder(AutoencoderConfig config, Device? device = null)
        : base(nameof(KlAutoencoder))
    {
        config.Validate();
        Config = config;
        _encoder = new Encoder(config, device);
        _decoder = new Decoder(config, device);
        _toLatent = new Conv(2 * config.ZChannels, 2 * config.EmbedDim, 1, device);
        _fromLatent = new Conv(config.EmbedDim, config.ZChannels, 1, device);
        RegisterComponents();
    }

    /// <summary>The hyper-parameters.</summary>
    public AutoencoderConfig Config { get; }

    /// <summary>True when the decoder can take an LR image's features.</summary>
    public bool Fuses => Config.FuseBlocks is not null;

    /// <summary>Type of the weights.</summary>
    public ScalarType Type => _toLatent.Type;

    /// <summary>Means and log-variances of a photo's latent.</summary>
    /// <param name="image">[B,3,H,W], [-1,1], in the weights' type; H and W multiples of <see cref="AutoencoderConfig.Reduction"/>.</param>
    /// <returns>[B,2*embed_dim,H/8,W/8].</returns>
    public Tensor EncodeMoments(Tensor image)
    {
        using var scope = NewDisposeScope();
        return _toLatent.call(_encoder.Run(image)).MoveToOuterDisposeScope();
    }

    /// <summary>The distribution of a photo's latent.</summary>
    /// <param name="image">As for <see cref="EncodeMoments"/>.</param>
    public LatentDistribution Encode(Tensor image)
    {
        using Tensor moments = EncodeMoments(image);
        return new LatentDistribution(moments);
    }

    /// <summary>The maps of an LR image (enlarged to the output's size) that the decoder's fusions take.</summary>
    /// <param name="image">As for <see cref="EncodeMoments"/>.</param>
    /// <returns>By level: [B,C,H/2^level,W/2^level].</returns>
    public EncoderFeatures EncodeFeatures(Tensor image)
    {
        IReadOnlyList<Tensor> maps = _encoder.Maps(image, [.. Config.FusedLevels]);
        return new EncoderFeatures(
            Config.FusedLevels.Zip(maps).ToDictionary(level => level.First, level => level.Second)
        );
    }

    /// <summary>The photo of a latent.</summary>
    /// <param name="z">[B,embed_dim,h,w], unscaled (see <see cref="FromLatent"/>), in the weights' type.</param>
    /// <returns>[B,3,8h,8w], about [-1,1], not clamped.</returns>
    public Tensor Decode(Tensor z)
    {
        using var scope = NewDisposeScope();
        return _decoder.Run(_fromLatent.call(z), NoFeatures, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The photo of a latent, wrapped in the features of an LR image.</summary>
    /// <param name="z">As for <see cref="Decode(Tensor)"/>.</param>
    /// <param name="features">Of an image of the output's size.</param>
    /// <param name="weight">0: the latent alone; 1: as trained. Between: fidelity against freedom.</param>
    /// <exception cref="InvalidOperationException">The network has no fusions.</exception>
    public Tensor Decode(Tensor z, EncoderFeatures features, double weight)
    {
        if (!Fuses)
            throw new InvalidOperationException("this autoencoder has no feature fusions: num_fuse_block is not set.");
        if (weight == 0)
            return Decode(z);
        using var scope = NewDisposeScope();
        return _decoder.Run(_fromLatent.call(z), features.Maps, weight).MoveToOuterDisposeScope();
    }

    /// <summary>What the diffusion models work on: per channel of mean 0 and deviation 1, or times the scale factor.</summary>
    /// <param name="z">[B,embed_dim,h,w].</param>
    public Tensor ToLatent(Tensor z)
    {
        using var scope = NewDisposeScope();
        return (
            Config.LatentMean is null
                ? z * Config.ScaleFactor
                : (z - Channels(Config.LatentMean, z)) / Channels(Config.LatentStd!, z)
        ).MoveToOuterDisposeScope();
    }

    /// <summary>The inverse of <see cref="ToLatent"/>.</summary>
    /// <param name="latent">[B,embed_dim,h,w].</param>
    public Tensor FromLatent(Tensor latent)
    {
        using var scope = NewDisposeScope();
        return (
            Config.LatentMean is null
                ? latent / Config.ScaleFactor
                : latent * Channels(Config.LatentStd!, latent) + Channels(Config.LatentMean, latent)
        ).MoveToOuterDisposeScope();
    }

    private static Tensor Channels(IReadOnlyList<double> values, Tensor like) =>
        tensor(values.ToArray(), dtype: like.dtype, device: like.device).reshape(1, -1, 1, 1);
}

/// <summary>What an encoder saw in a photo.</summary>
/// <param name="Maps">By level: [B,C,H/2^level,W/2^level].</param>
public sealed record EncoderFeatures(IReadOnlyDictionary<int, Tensor> Maps) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor map in Maps.Values)
            map.Dispose();
    }
}
