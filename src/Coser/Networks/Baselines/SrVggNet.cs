using System.Text.Json.Serialization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Baselines;

/// <summary>Hyper-parameters of <see cref="SrVggNet"/>, as in the component's config in model.json.</summary>
public sealed record SrVggNetConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "srvgg";

    /// <summary>Channels of every hidden layer.</summary>
    [JsonPropertyName("num_feat")]
    public int Features { get; init; } = 64;

    /// <summary>Convolutions between the first and the last.</summary>
    [JsonPropertyName("num_conv")]
    public int Convolutions { get; init; } = 16;

    /// <summary>Enlargement, 1 to 8.</summary>
    [JsonPropertyName("upscale")]
    public int Upscale { get; init; } = 4;

    /// <summary>Activation: <c>prelu</c>, <c>leakyrelu</c> or <c>relu</c>.</summary>
    [JsonPropertyName("act_type")]
    public string Activation { get; init; } = "prelu";
}

/// <summary>
/// The compact network of Real-ESRGAN's general and animation models (Wang et al., ICCVW 2021: "SRVGGNetCompact"): a plain
/// stack of convolutions at the input's resolution, added to the nearest-neighbour enlargement.
/// </summary>
public sealed class SrVggNet : nn.Module<Tensor, Tensor>, IEnlarger
{
    private const double Slope = 0.1;

    // Convolutions at even places, PReLU's slopes at odd ones.
    [ComponentName(Name = "body")]
    private readonly SrVggBody _body;

    /// <param name="config">Sizes.</param>
    /// <param name="device">META: without values, to be filled from a file.</param>
    /// <exception cref="ArgumentException">A size is out of its range, or the activation is unknown.</exception>
    public SrVggNet(SrVggNetConfig config, Device? device = null)
        : base(nameof(SrVggNet))
    {
        if (config.Upscale is < 1 or > 8 || config.Features < 1 || config.Convolutions < 0)
            throw new ArgumentException("num_feat at least 1, num_conv at least 0, upscale 1 to 8", nameof(config));
        if (config.Activation is not ("prelu" or "leakyrelu" or "relu"))
            throw new ArgumentException($"act_type '{config.Activation}' is unknown", nameof(config));
        Config = config;
        _body = new SrVggBody(config, device);
        RegisterComponents();
    }

    /// <summary>The hyper-parameters.</summary>
    public SrVggNetConfig Config { get; }

    /// <inheritdoc/>
    public int Scale => Config.Upscale;

    /// <inheritdoc/>
    public int Margin => Config.Convolutions + 2;

    /// <inheritdoc/>
    public int Multiple => 1;

    /// <inheritdoc/>
    public int UsualTile => 256;

    /// <inheritdoc/>
    nn.Module IEnlarger.Network => this;

    /// <inheritdoc/>
    Tensor IEnlarger.Enlarge(Tensor image) => call(image);

    /// <summary>Enlarges a batch.</summary>
    /// <param name="input">[B,3,h,w], float32, [0,1].</param>
    /// <returns>[B,3,h*upscale,w*upscale], float32, about [0,1], not clamped.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = input.to(_body.Type);
        for (int i = 0; i <= Config.Convolutions; i++)
            x = Activate(_body.Convolve(i, x), i);
        x = nn.functional.pixel_shuffle(_body.Convolve(Config.Convolutions + 1, x), Config.Upscale);
        Tensor enlarged = nn.functional.interpolate(
            input,
            scale_factor: [Config.Upscale, Config.Upscale],
            mode: InterpolationMode.Nearest
        );
        return (x.to(float32) + enlarged).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor x, int layer) =>
        Config.Activation switch
        {
            "prelu" => nn.functional.prelu(x, _body.Slopes(layer)),
            "relu" => nn.functional.relu(x),
            _ => nn.functional.leaky_relu(x, Slope),
        };
}

/// <summary>The numbered layers of <see cref="SrVggNet"/>.</summary>
internal sealed class SrVggBody : nn.Module
{
    // Not fields of a module's type, which would be registered under their own names.
    private readonly Conv[] _convolutions;
    private readonly SlopeTable[] _slopes;

    public SrVggBody(SrVggNetConfig config, Device? device)
        : base(nameof(SrVggBody))
    {
        int last = config.Convolutions + 1;
        _convolutions =
        [
            .. Enumerable
                .Range(0, last + 1)
                .Select(i => new Conv(
                    i == 0 ? 3 : config.Features,
                    i == last ? 3 * config.Upscale * config.Upscale : config.Features,
                    3,
                    device
                )),
        ];
        _slopes =
            config.Activation == "prelu"
                ? [.. Enumerable.Range(0, last).Select(_ => new SlopeTable(config.Features, device))]
                : [];
        for (int i = 0; i <= last; i++)
        {
            register_module(Place(2 * i), _convolutions[i]);
            if (i < _slopes.Length)
                register_module(Place(2 * i + 1), _slopes[i]);
        }
    }

    public ScalarType Type => _convolutions[0].Type;

    public Tensor Convolve(int layer, Tensor x) => _convolutions[layer].call(x);

    public Tensor Slopes(int layer) => _slopes[layer].Weight;

    private static string Place(int index) => index.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>PReLU's slope of each channel, 0.25 at the start, as PyTorch's.</summary>
internal sealed class SlopeTable : nn.Module
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public SlopeTable(int channels, Device? device)
        : base(nameof(SlopeTable))
    {
        _weight = Weights.Constant([channels], 0.25, device);
        RegisterComponents();
    }

    public Tensor Weight => _weight;
}
