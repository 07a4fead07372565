using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Autoencoder;

/// <summary>Blocks of one resolution, then half the resolution (not at the last level).</summary>
internal sealed class EncoderLevel : nn.Module
{
    [ComponentName(Name = "block")]
    private readonly ModuleList<ResidualBlock> _blocks;

    [ComponentName(Name = "downsample")]
    private readonly Downsample? _downsample;

    public EncoderLevel(AutoencoderConfig config, int level, Device? device)
        : base(nameof(EncoderLevel))
    {
        int width = config.Width(level);
        int before = level == 0 ? config.Channels : config.Width(level - 1);
        _blocks = new ModuleList<ResidualBlock>([
            .. Enumerable
                .Range(0, config.ResBlocks)
                .Select(i => new ResidualBlock(i == 0 ? before : width, width, config.NormGroups, device)),
        ]);
        _downsample = level == config.ChannelMultipliers.Count - 1 ? null : new Downsample(width, device);
        RegisterComponents();
    }

    /// <returns>The maps of this resolution [B,C,H,W], and what the next level starts from.</returns>
    public (Tensor Features, Tensor Next) Run(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor features = _blocks.Aggregate(x, (y, block) => block.call(y)).MoveToOuterDisposeScope();
        return (features, _downsample is null ? features : _downsample.call(features).MoveToOuterDisposeScope());
    }
}

/// <summary>From a photo to the moments of its latent.</summary>
internal sealed class Encoder : nn.Module
{
    [ComponentName(Name = "conv_in")]
    private readonly Conv _in;

    [ComponentName(Name = "down")]
    private readonly ModuleList<EncoderLevel> _levels;

    [ComponentName(Name = "mid")]
    private readonly Middle _middle;

    [ComponentName(Name = "norm_out")]
    private readonly GroupNormalisation _norm;

    [ComponentName(Name = "conv_out")]
    private readonly Conv _out;

    public Encoder(AutoencoderConfig config, Device? device)
        : base(nameof(Encoder))
    {
        int levels = config.ChannelMultipliers.Count;
        int last = config.Width(levels - 1);
        _in = new Conv(config.InChannels, config.Channels, 3, device);
        _levels = new ModuleList<EncoderLevel>([
            .. Enumerable.Range(0, levels).Select(i => new EncoderLevel(config, i, device)),
        ]);
        _middle = new Middle(config, last, device);
        _norm = new GroupNormalisation(config.NormGroups, last, ResidualBlock.NormEps, device);
        _out = new Conv(last, 2 * config.ZChannels, 3, device);
        RegisterComponents();
    }

    /// <param name="image">[B,3,H,W], [-1,1].</param>
    /// <param name="kept">Levels whose maps are kept.</param>
    /// <returns>[B,2*z,H/8,W/8], and the kept maps in the order of their levels.</returns>
    public (Tensor Moments, IReadOnlyList<Tensor> Features) Run(Tensor image, IReadOnlyList<int> kept)
    {
        using var scope = NewDisposeScope();
        var features = new List<Tensor>();
        Tensor x = _in.call(Layout.ForNormalised(image));
        for (int level = 0; level < _levels.Count; level++)
        {
            // Maps of the level before are let go as soon as the next ones exist.
            (Tensor maps, Tensor next) = _levels[level].Run(x);
            x.Dispose();
            if (kept.Contains(level))
                features.Add(maps);
            else if (!ReferenceEquals(maps, next))
                maps.Dispose();
            x = next;
        }
        Tensor moments = _out.call(Swish.Of(_norm.call(_middle.call(x))));
        foreach (Tensor map in features)
            map.MoveToOuterDisposeScope();
        return (moments.MoveToOuterDisposeScope(), features);
    }
}
