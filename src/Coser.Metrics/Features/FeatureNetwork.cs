using System.Text.Json.Serialization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Features;

/// <summary>Sizes of a <see cref="FeatureNetwork"/>.</summary>
public sealed record FeatureNetworkConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "features";

    /// <summary>Channels of each level; every level after the first has half the resolution of the one before.</summary>
    [JsonPropertyName("widths")]
    public IReadOnlyList<int> Widths { get; init; } = [32, 64, 128, 256];

    /// <summary>Residual blocks of each level.</summary>
    [JsonPropertyName("blocks")]
    public IReadOnlyList<int> Blocks { get; init; } = [1, 2, 2, 2];

    /// <summary>Names of the classes, in the order of the logits.</summary>
    [JsonPropertyName("classes")]
    public IReadOnlyList<string> Classes { get; init; } = [];
}

/// <summary>
/// A small classifier of photos whose inner maps tell textures and parts apart: for perceptual losses and for distances
/// between sets of photos. It has no normalisation, so that contrast survives; residual branches start silent instead
/// (SkipInit: De and Smith, NeurIPS 2020).
/// </summary>
public sealed class FeatureNetwork : nn.Module<Tensor, Tensor>
{
    // Photos' values have a mean near 0.45 and a deviation near 0.27.
    private static readonly Scalar Centre = 0.45.ToScalar();
    private static readonly Scalar Contrast = 3.7.ToScalar();

    [ComponentName(Name = "enter")]
    private readonly ModuleList<Conv> _enter;

    [ComponentName(Name = "levels")]
    private readonly ModuleList<FeatureLevel> _levels;

    [ComponentName(Name = "head")]
    private readonly Linear _head;

    /// <summary>Builds the network, He-initialised.</summary>
    /// <param name="device">META: without values, to be filled from a file.</param>
    /// <exception cref="ArgumentException">Widths and blocks differ in number, or a size is below 1.</exception>
    public FeatureNetwork(FeatureNetworkConfig config, Device? device = null)
        : base(nameof(FeatureNetwork))
    {
        if (config.Widths.Count == 0 || config.Widths.Count != config.Blocks.Count)
            throw new ArgumentException("widths and blocks must have one number a level", nameof(config));
        if (config.Widths.Any(w => w < 1) || config.Blocks.Any(b => b < 0) || config.Classes.Count < 1)
            throw new ArgumentException("widths must be at least 1, classes must have names", nameof(config));
        Config = config;
        int[] widths = [.. config.Widths];
        _enter = new ModuleList<Conv>([
            .. widths.Select((w, i) => new Conv(i == 0 ? 3 : widths[i - 1], w, 3, device, stride: i == 0 ? 1 : 2).He()),
        ]);
        _levels = new ModuleList<FeatureLevel>([
            .. widths.Select((w, i) => new FeatureLevel(w, config.Blocks[i], device)),
        ]);
        _head = nn.Linear(widths[^1], config.Classes.Count, device: device);
        using (no_grad())
        using (NewDisposeScope())
        {
            _head.weight.mul_(0.1);
            nn.init.zeros_(_head.bias!);
        }
        RegisterComponents();
    }

    /// <summary>The sizes.</summary>
    public FeatureNetworkConfig Config { get; }

    /// <summary>The maps of every level.</summary>
    /// <param name="image">[B,3,H,W], [0,1]; H and W at least 2^(levels-1).</param>
    /// <returns>One [B,width,H/2^i,W/2^i] a level, not negative, in the weights' type.</returns>
    public IReadOnlyList<Tensor> Maps(Tensor image)
    {
        using var scope = NewDisposeScope();
        // Channels innermost in memory: a third faster here, where nothing normalises.
        Tensor x = image.to(_head.weight.dtype).sub(Centre).mul(Contrast);
        x = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        var maps = new List<Tensor>();
        for (int level = 0; level < _levels.Count; level++)
        {
            x = _levels[level].call(_enter[level].call(x));
            maps.Add(x);
        }
        return [.. maps.Select(m => m.MoveToOuterDisposeScope())];
    }

    /// <summary>The mean of the deepest maps: one vector a photo, for distances between sets.</summary>
    /// <param name="image">[B,3,H,W], [0,1].</param>
    /// <returns>[B,last width], float32.</returns>
    public Tensor Embed(Tensor image)
    {
        using var scope = NewDisposeScope();
        return Maps(image)[^1].to(float32).mean([2, 3]).MoveToOuterDisposeScope();
    }

    /// <summary>Scores of the classes.</summary>
    /// <param name="input">[B,3,H,W], [0,1].</param>
    /// <returns>Logits [B,classes], float32.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _head.call(Embed(input).to(_head.weight.dtype)).to(float32).MoveToOuterDisposeScope();
    }
}

/// <summary>Residual blocks of one resolution, then a ReLU.</summary>
internal sealed class FeatureLevel : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "blocks")]
    private readonly ModuleList<FeatureBlock> _blocks;

    public FeatureLevel(int width, int blocks, Device? device)
        : base(nameof(FeatureLevel))
    {
        _blocks = new ModuleList<FeatureBlock>([
            .. Enumerable.Range(0, blocks).Select(_ => new FeatureBlock(width, device)),
        ]);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C,H,W], not negative.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = _blocks.Aggregate(input, (y, block) => block.call(y));
        return nn.functional.relu(x).MoveToOuterDisposeScope();
    }
}

/// <summary>x + gain * conv(relu(conv(relu(x)))).</summary>
internal sealed class FeatureBlock : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv1")]
    private readonly Conv _conv1;

    [ComponentName(Name = "conv2")]
    private readonly Conv _conv2;

    [ComponentName(Name = "gain")]
    private readonly Parameter _gain;

    public FeatureBlock(int width, Device? device)
        : base(nameof(FeatureBlock))
    {
        _conv1 = new Conv(width, width, 3, device).He();
        _conv2 = new Conv(width, width, 3, device).He();
        _gain = new Parameter(full([1], 0.1f, device: device));
        _gain.DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C,H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = nn.functional.relu(_conv1.call(nn.functional.relu(input)));
        return (input + _gain * _conv2.call(hidden)).MoveToOuterDisposeScope();
    }
}
