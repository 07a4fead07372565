using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Autoencoder;

/// <summary>Blocks of one resolution, and the way to half the resolution (not at the last level).</summary>
internal sealed class EncoderLevel : nn.Module<Tensor, Tensor>
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

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _blocks.Aggregate(input, (x, block) => block.call(x)).MoveToOuterDisposeScope();
    }

    /// <summary>[B,C',H/2,W/2]; not at the last level.</summary>
    public Tensor Shrink(Tensor x) => _downsample!.call(x);
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
    /// <returns>[B,2*z,H/8,W/8].</returns>
    public Tensor Run(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor lowest = Maps(image, [_levels.Count - 1])[0];
        return _out.call(Swish.Of(_norm.call(_middle.call(lowest)))).MoveToOuterDisposeScope();
    }

    /// <summary>The maps of some levels; the levels below them are not computed.</summary>
    /// <param name="image">[B,3,H,W], [-1,1].</param>
    /// <param name="kept">Levels in their order; none: nothing is computed.</param>
    /// <returns>[B,C,H/2^level,W/2^level] each.</returns>
    public IReadOnlyList<Tensor> Maps(Tensor image, IReadOnlyList<int> kept)
    {
        if (kept.Count == 0)
            return [];
        using var scope = NewDisposeScope();
        var maps = new List<Tensor>();
        Tensor x = _in.call(Layout.ForNormalised(image));
        for (int level = 0; ; level++)
        {
            // What comes in is let go as soon as there is something new.
            Tensor map = _levels[level].call(x);
            x.Dispose();
            bool keeps = kept.Contains(level);
            if (keeps)
                maps.Add(map.MoveToOuterDisposeScope());
            if (level == kept[^1])
                return maps;
            x = _levels[level].Shrink(map);
            if (!keeps)
                map.Dispose();
        }
    }
}
