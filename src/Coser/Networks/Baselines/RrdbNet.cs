using System.Text.Json.Serialization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Baselines;

/// <summary>Hyper-parameters of <see cref="RrdbNet"/>, as in the component's config in model.json.</summary>
public sealed record RrdbNetConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "rrdbnet";

    /// <summary>Enlargement: 1, 2 or 4.</summary>
    [JsonPropertyName("scale")]
    public int Scale { get; init; } = 4;

    /// <summary>Channels between blocks.</summary>
    [JsonPropertyName("num_feat")]
    public int Features { get; init; } = 64;

    /// <summary>Blocks.</summary>
    [JsonPropertyName("num_block")]
    public int Blocks { get; init; } = 23;

    /// <summary>Channels each convolution of a dense block adds.</summary>
    [JsonPropertyName("num_grow_ch")]
    public int Growth { get; init; } = 32;
}

/// <summary>
/// The generator of ESRGAN (Wang et al., ECCVW 2018) with BasicSR's key names: the network behind RealSR, BSRGAN and
/// Real-ESRGAN+. For scales 2 and 1 the input's pixels are folded into channels first.
/// </summary>
public sealed class RrdbNet : nn.Module<Tensor, Tensor>, IEnlarger
{
    // 15 convolutions a block would be 345 pixels at full size.
    private const int LargestMargin = 48;

    [ComponentName(Name = "conv_first")]
    private readonly Conv _first;

    [ComponentName(Name = "body")]
    private readonly ModuleList<ResidualInResidual> _body;

    [ComponentName(Name = "conv_body")]
    private readonly Conv _after;

    [ComponentName(Name = "conv_up1")]
    private readonly Conv _up1;

    [ComponentName(Name = "conv_up2")]
    private readonly Conv _up2;

    [ComponentName(Name = "conv_hr")]
    private readonly Conv _fine;

    [ComponentName(Name = "conv_last")]
    private readonly Conv _last;

    /// <param name="config">Sizes.</param>
    /// <param name="device">META: without values, to be filled from a file.</param>
    /// <exception cref="ArgumentException">The scale is not 1, 2 or 4, or a size is below 1.</exception>
    public RrdbNet(RrdbNetConfig config, Device? device = null)
        : base(nameof(RrdbNet))
    {
        if (config.Scale is not (1 or 2 or 4))
            throw new ArgumentException($"scale must be 1, 2 or 4, not {config.Scale}", nameof(config));
        if (config.Features < 1 || config.Blocks < 1 || config.Growth < 1)
            throw new ArgumentException("num_feat, num_block and num_grow_ch must be at least 1", nameof(config));
        Config = config;
        int width = config.Features;
        _first = new Conv(3 * Multiple * Multiple, width, 3, device);
        _body = new ModuleList<ResidualInResidual>([
            .. Enumerable.Range(0, config.Blocks).Select(_ => new ResidualInResidual(width, config.Growth, device)),
        ]);
        _after = new Conv(width, width, 3, device);
        _up1 = new Conv(width, width, 3, device);
        _up2 = new Conv(width, width, 3, device);
        _fine = new Conv(width, width, 3, device);
        _last = new Conv(width, 3, 3, device);
        RegisterComponents();
    }

    /// <summary>The hyper-parameters.</summary>
    public RrdbNetConfig Config { get; }

    /// <inheritdoc/>
    public int Scale => Config.Scale;

    /// <inheritdoc/>
    public int Margin => Math.Min(LargestMargin, (15 * Config.Blocks + 4) * Multiple) / Multiple * Multiple;

    /// <inheritdoc/>
    public int Multiple => 4 / Config.Scale;

    /// <inheritdoc/>
    public int UsualTile => 128;

    /// <inheritdoc/>
    nn.Module IEnlarger.Network => this;

    /// <inheritdoc/>
    Tensor IEnlarger.Enlarge(Tensor image) => call(image);

    /// <summary>Enlarges a batch.</summary>
    /// <param name="input">[B,3,h,w], float32, [0,1]; sides are multiples of 4 / scale.</param>
    /// <returns>[B,3,h*scale,w*scale], float32, about [0,1], not clamped.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = input.to(_first.Type);
        if (Multiple > 1)
            x = nn.functional.pixel_unshuffle(x, Multiple);
        Tensor start = _first.call(x);
        Tensor y = start.alias();
        foreach (ResidualInResidual block in _body)
        {
            // Only the graph, if there is one, still needs what went in; 23 blocks of a tile would fill memory.
            using Tensor before = y;
            y = block.call(before);
        }
        y = start + _after.call(y);
        y = Activate(_up1.call(Doubling.Twice(y)));
        y = Activate(_up2.call(Doubling.Twice(y)));
        return _last.call(Activate(_fine.call(y))).to(float32).MoveToOuterDisposeScope();
    }

    private static Tensor Activate(Tensor x) => nn.functional.leaky_relu(x, ResidualDenseBlock.Slope);
}
