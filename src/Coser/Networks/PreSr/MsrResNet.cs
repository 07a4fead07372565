using System.Text.Json.Serialization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.PreSr;

/// <summary>Hyper-parameters of <see cref="MsrResNet"/>, as in the component's config in model.json.</summary>
public sealed record MsrResNetConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "msrresnet";

    /// <summary>Channels of every hidden layer.</summary>
    [JsonPropertyName("num_feat")]
    public int Features { get; init; } = 64;

    /// <summary>Residual blocks.</summary>
    [JsonPropertyName("num_block")]
    public int Blocks { get; init; } = 16;

    /// <summary>Enlargement: 2, 3 or 4.</summary>
    [JsonPropertyName("upscale")]
    public int Upscale { get; init; } = 4;
}

/// <summary>
/// SRResNet without normalisation ("MSRResNet" of BasicSR; Ledig et al., CVPR 2017), the pre-SR network of CoSeR
/// (paper, section 3.1). Predicts the residual over a bilinear enlargement.
/// </summary>
public sealed class MsrResNet : nn.Module<Tensor, Tensor>, IEnlarger
{
    // Kept: a scalar made in the call may be finalised while native code still reads it (seen once in 7,000 steps).
    private static readonly Scalar Slope = 0.1.ToScalar();

    [ComponentName(Name = "conv_first")]
    private readonly Conv _convFirst;

    [ComponentName(Name = "body")]
    private readonly Sequential _body;

    [ComponentName(Name = "upconv1")]
    private readonly Conv _upConv1;

    [ComponentName(Name = "upconv2")]
    private readonly Conv? _upConv2;

    [ComponentName(Name = "conv_hr")]
    private readonly Conv _convHr;

    [ComponentName(Name = "conv_last")]
    private readonly Conv _convLast;

    /// <summary>
    /// Builds the network with its training initialisation: He, biases 0, scaled by 0.1 where a residual starts (the second
    /// half of every block, and the last layer). BasicSR scales every layer, which multiplies to 1e-5 along the way and
    /// costs the first thousand steps.
    /// </summary>
    /// <param name="device">META: without values, to be filled from a file.</param>
    /// <exception cref="ArgumentException">The enlargement is not 2, 3 or 4, or a size is below 1.</exception>
    public MsrResNet(MsrResNetConfig config, Device? device = null)
        : base(nameof(MsrResNet))
    {
        if (config.Upscale is not (2 or 3 or 4))
            throw new ArgumentException($"upscale must be 2, 3 or 4, not {config.Upscale}", nameof(config));
        if (config.Features < 1 || config.Blocks < 1)
            throw new ArgumentException("num_feat and num_block must be at least 1", nameof(config));
        Config = config;
        int width = config.Features;
        int factor = config.Upscale == 3 ? 3 : 2;
        _convFirst = new Conv(3, width, 3, device).He();
        _body = nn.Sequential(Enumerable.Range(0, config.Blocks).Select(_ => new ResidualBlock(width, device)));
        _upConv1 = new Conv(width, width * factor * factor, 3, device).He();
        _upConv2 = config.Upscale == 4 ? new Conv(width, width * 4, 3, device).He() : null;
        _convHr = new Conv(width, width, 3, device).He();
        _convLast = new Conv(width, 3, 3, device).He(scale: 0.1);
        RegisterComponents();
    }

    /// <summary>The hyper-parameters.</summary>
    public MsrResNetConfig Config { get; }

    /// <summary>
    /// How far, in input pixels, an output pixel can see: with this margin around a tile, its inside equals that of the
    /// whole picture.
    /// </summary>
    public int ReceptiveRadius => 2 * Config.Blocks + 3;

    /// <inheritdoc/>
    public int Scale => Config.Upscale;

    /// <inheritdoc/>
    int IEnlarger.Margin => ReceptiveRadius;

    /// <inheritdoc/>
    int IEnlarger.Multiple => 1;

    /// <inheritdoc/>
    int IEnlarger.UsualTile => 256;

    /// <inheritdoc/>
    nn.Module IEnlarger.Network => this;

    /// <inheritdoc/>
    Tensor IEnlarger.Enlarge(Tensor image) => call(image);

    /// <summary>Enlarges a batch.</summary>
    /// <param name="input">[B,3,h,w], float32, [0,1].</param>
    /// <returns>[B,3,h*upscale,w*upscale], float32, about [0,1], not clamped. Weights may be bfloat16: the sum with the
    /// enlargement is still float32, since bfloat16 would band.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        ScalarType compute = _convFirst.Type;
        Tensor x = Activate(_convFirst.call(Layout.ChannelsLast(input.to(compute))));
        x = _body.call(x);
        long factor = Config.Upscale == 3 ? 3 : 2;
        x = Activate(Shuffle(_upConv1, x, factor));
        if (_upConv2 is not null)
            x = Activate(Shuffle(_upConv2, x, 2));
        Tensor high = Activate(_convHr.call(x));
        x.Dispose();
        Tensor residual = _convLast.call(high);
        Tensor enlarged = nn.functional.interpolate(
            input,
            scale_factor: [Config.Upscale, Config.Upscale],
            mode: InterpolationMode.Bilinear,
            align_corners: false
        );
        return (residual.to(torch.float32) + enlarged).MoveToOuterDisposeScope();
    }

    // Maps of full size are felt as long as they live.
    private static Tensor Shuffle(Conv conv, Tensor x, long factor)
    {
        using var scope = NewDisposeScope();
        return nn.functional.pixel_shuffle(conv.call(x), factor).MoveToOuterDisposeScope();
    }

    private static Tensor Activate(Tensor x) => x.leaky_relu_(Slope);
}

/// <summary>x + conv(relu(conv(x))), both 3x3 and without normalisation.</summary>
internal sealed class ResidualBlock : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv1")]
    private readonly Conv _conv1;

    [ComponentName(Name = "conv2")]
    private readonly Conv _conv2;

    public ResidualBlock(int channels, Device? device)
        : base(nameof(ResidualBlock))
    {
        _conv1 = new Conv(channels, channels, 3, device).He();
        _conv2 = new Conv(channels, channels, 3, device).He(scale: 0.1);
        RegisterComponents();
    }

    /// <param name="input">[B,C,h,w].</param>
    /// <returns>[B,C,h,w].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = nn.functional.relu(_conv1.call(input), inplace: true);
        return (input + _conv2.call(hidden)).MoveToOuterDisposeScope();
    }
}
