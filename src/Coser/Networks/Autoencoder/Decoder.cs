using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Autoencoder;

/// <summary>Blocks of one resolution, and the way to twice the resolution (not at level 0).</summary>
internal sealed class DecoderLevel : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "block")]
    private readonly ModuleList<ResidualBlock> _blocks;

    [ComponentName(Name = "upsample")]
    private readonly Doubling? _upsample;

    public DecoderLevel(AutoencoderConfig config, int level, Device? device)
        : base(nameof(DecoderLevel))
    {
        int width = config.Width(level);
        int before = config.Width(Math.Min(level + 1, config.ChannelMultipliers.Count - 1));
        _blocks = new ModuleList<ResidualBlock>([
            .. Enumerable
                .Range(0, config.ResBlocks + 1)
                .Select(i => new ResidualBlock(i == 0 ? before : width, width, config.NormGroups, device)),
        ]);
        _upsample = level == 0 ? null : new Doubling(width, width, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _blocks.Aggregate(input, (x, block) => block.call(x)).MoveToOuterDisposeScope();
    }

    /// <summary>[B,C',2H,2W]; the same at level 0.</summary>
    public Tensor Enlarge(Tensor x) => _upsample is null ? x : _upsample.call(x);
}

/// <summary>From a latent to a photo, with feature fusions where the configuration asks for them.</summary>
internal sealed class Decoder : nn.Module
{
    [ComponentName(Name = "conv_in")]
    private readonly Conv _in;

    [ComponentName(Name = "mid")]
    private readonly Middle _middle;

    [ComponentName(Name = "up")]
    private readonly ModuleList<DecoderLevel> _levels;

    [ComponentName(Name = "norm_out")]
    private readonly GroupNormalisation _norm;

    [ComponentName(Name = "conv_out")]
    private readonly Conv _out;

    private readonly FeatureFusion?[] _fusions;

    public Decoder(AutoencoderConfig config, Device? device)
        : base(nameof(Decoder))
    {
        int levels = config.ChannelMultipliers.Count;
        int last = config.Width(levels - 1);
        _in = new Conv(config.ZChannels, last, 3, device);
        _middle = new Middle(config, last, device);
        _levels = new ModuleList<DecoderLevel>([
            .. Enumerable.Range(0, levels).Select(i => new DecoderLevel(config, i, device)),
        ]);
        _norm = new GroupNormalisation(config.NormGroups, config.Width(0), ResidualBlock.NormEps, device);
        _out = new Conv(config.Width(0), config.OutChannels, 3, device);
        RegisterComponents();
        _fusions = new FeatureFusion?[levels];
        if (config.FuseBlocks is null)
            return;
        foreach (int level in config.FusedLevels)
        {
            var fusion = new FeatureFusion(config, config.Width(level), device);
            _fusions[level] = fusion;
            register_module($"fusion_layer_{level}", fusion);
        }
    }

    /// <param name="z">[B,z,h,w].</param>
    /// <param name="features">Encoder maps by level; empty: nothing is fused.</param>
    /// <param name="weight">How much of the fusions' residuals is added.</param>
    /// <returns>[B,3,8h,8w], about [-1,1].</returns>
    public Tensor Run(Tensor z, IReadOnlyDictionary<int, Tensor> features, double weight)
    {
        using var scope = NewDisposeScope();
        Tensor x = _middle.call(_in.call(Layout.ForNormalised(z)));
        for (int level = _levels.Count - 1; level >= 0; level--)
            x = Level(level, x, features, weight);
        return _out.call(Swish.Of(_norm.call(x))).MoveToOuterDisposeScope();
    }

    // What comes in is let go as soon as there is something new.
    private Tensor Level(int level, Tensor x, IReadOnlyDictionary<int, Tensor> features, double weight)
    {
        using var scope = NewDisposeScope();
        Tensor y = _levels[level].call(x);
        x.Dispose();
        if (_fusions[level] is { } fusion && features.TryGetValue(level, out Tensor? map))
            y = fusion.Fuse(map, y, weight);
        return _levels[level].Enlarge(y).MoveToOuterDisposeScope();
    }
}
