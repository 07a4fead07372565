using System.Text.Json.Serialization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>Sizes of <see cref="Musiq"/>; the defaults are the published KonIQ network's.</summary>
public sealed record MusiqConfig
{
    /// <summary>1: a score; 10: a distribution over the marks 1 to 10.</summary>
    [JsonPropertyName("num_class")]
    public int Classes { get; init; } = 1;

    /// <summary>Width of the tokens.</summary>
    [JsonPropertyName("hidden_size")]
    public int Width { get; init; } = 384;

    /// <summary>Hidden width of the MLPs.</summary>
    [JsonPropertyName("mlp_dim")]
    public int MlpWidth { get; init; } = 1152;

    /// <summary>Heads.</summary>
    [JsonPropertyName("num_heads")]
    public int Heads { get; init; } = 6;

    /// <summary>Blocks.</summary>
    [JsonPropertyName("num_layers")]
    public int Layers { get; init; } = 14;

    /// <summary>Side of the grid that positions are hashed to.</summary>
    [JsonPropertyName("spatial_pos_grid_size")]
    public int Grid { get; init; } = 10;

    /// <summary>The scales beside the photo's own: their longer sides in pixels.</summary>
    [JsonPropertyName("longer_side_lengths")]
    public IReadOnlyList<int> LongerSides { get; init; } = [224, 384];

    /// <summary>Side of a patch.</summary>
    [JsonPropertyName("patch_size")]
    public int Patch { get; init; } = 32;

    /// <summary>Channels of the first convolution.</summary>
    [JsonPropertyName("stem_channels")]
    public int Stem { get; init; } = 64;
}

/// <summary>
/// MUSIQ (Ke et al., ICCV 2021): quality without a reference, by a transformer over patches of the photo at several sizes,
/// never cropped or squeezed. Higher is better (KonIQ weights: 0 to 100).
/// </summary>
public sealed class Musiq : nn.Module
{
    private const double Eps = 1e-6;
    private const double Outside = -1000;
    private const int PatchesAtOnce = 256;

    [ComponentName(Name = "conv_root")]
    private readonly StandardisedConv _root;

    [ComponentName(Name = "gn_root")]
    private readonly GroupNormalisation _rootNorm;

    [ComponentName(Name = "block1")]
    private readonly MusiqBottleneck _block;

    [ComponentName(Name = "embedding")]
    private readonly Dense _embedding;

    [ComponentName(Name = "transformer_encoder")]
    private readonly MusiqEncoder _encoder;

    [ComponentName(Name = "head")]
    private readonly Dense _head;

    /// <param name="config">Sizes.</param>
    /// <param name="device">META: without values, to be filled from a file.</param>
    public Musiq(MusiqConfig config, Device? device = null)
        : base(nameof(Musiq))
    {
        Config = config;
        _root = new StandardisedConv(3, config.Stem, 7, 2, device);
        _rootNorm = new GroupNormalisation(32, config.Stem, Eps, device);
        _block = new MusiqBottleneck(config.Stem, device);
        int side = config.Patch / 4;
        _embedding = new Dense(config.Stem * 4 * side * side, config.Width, device);
        _encoder = new MusiqEncoder(config, Eps, device);
        _head = new Dense(config.Width, config.Classes, device);
        RegisterComponents();
    }

    /// <summary>The sizes.</summary>
    public MusiqConfig Config { get; }

    /// <summary>The score of each photo: the head's value, or the mean of its distribution over marks.</summary>
    /// <param name="image">[B,3,H,W] RGB, [0,1] or uint8.</param>
    /// <returns>[B,1], float32.</returns>
    public Tensor Score(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor distribution = Distribution(image);
        if (Config.Classes == 1)
            return distribution.MoveToOuterDisposeScope();
        Tensor marks = arange(1, Config.Classes + 1, dtype: float32, device: image.device);
        return (distribution * marks).sum(-1, keepdim: true).MoveToOuterDisposeScope();
    }

    /// <summary>The head's values; for more than one class after a softmax: [B,classes], float32.</summary>
    internal Tensor Distribution(Tensor image)
    {
        ImageInput.Require(image, 1, "MUSIQ");
        using var scope = NewDisposeScope();
        (Tensor patches, Tensor places) = MusiqPatches.Of(ImageInput.Unit(image) * 2 - 1, Config);
        (long b, long n) = (patches.shape[0], patches.shape[1]);
        Tensor all = patches.reshape(b * n, 3, Config.Patch, Config.Patch).to(_root.Type);
        // Each patch by itself: a few at a time, so that a large photo does not take gigabytes.
        Tensor embedded = cat([.. all.split(PatchesAtOnce).Select(Embed)]).view(b, n, -1);
        Tensor tokens = _encoder.Run(embedded, places, Outside);
        Tensor values = _head.call(tokens.select(1, 0)).to(float32);
        return (Config.Classes == 1 ? values.alias() : nn.functional.softmax(values, -1)).MoveToOuterDisposeScope();
    }

    // [N,3,S,S] -> [N,width]
    private Tensor Embed(Tensor patches)
    {
        using var scope = NewDisposeScope();
        Tensor x = nn.functional.relu(_rootNorm.call(_root.call(patches)));
        x = SamePadding.MaxPool3(x);
        x = _block.call(x).permute(0, 2, 3, 1).flatten(1); // channels last
        return _embedding.call(x).MoveToOuterDisposeScope();
    }
}

/// <summary>A convolution with weights of mean 0 and deviation 1 in each filter, padded as TensorFlow pads "SAME".</summary>
internal sealed class StandardisedConv : nn.Module<Tensor, Tensor>
{
    private readonly int _stride;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public StandardisedConv(int inputs, int outputs, int kernel, int stride, Device? device)
        : base(nameof(StandardisedConv))
    {
        _stride = stride;
        _weight = Weights.Uniform([outputs, inputs, kernel, kernel], inputs * kernel * kernel, device);
        RegisterComponents();
    }

    public ScalarType Type => _weight.dtype;

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',ceil(H/stride),ceil(W/stride)].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor centred = _weight - _weight.mean([1, 2, 3], keepdim: true);
        Tensor deviation = centred.flatten(1).std(1, unbiased: true).view(-1, 1, 1, 1);
        Tensor x = SamePadding.Pad(input, _weight.shape[2], _stride, 0);
        return nn
            .functional.conv2d(x, centred / (deviation + 1e-5), strides: [_stride, _stride])
            .MoveToOuterDisposeScope();
    }
}

/// <summary>TensorFlow's "SAME": the missing pixels are shared, the odd one below and at the right.</summary>
internal static class SamePadding
{
    public static Tensor Pad(Tensor x, long kernel, long stride, double value)
    {
        long down = Missing(x.shape[2], kernel, stride);
        long across = Missing(x.shape[3], kernel, stride);
        return nn.functional.pad(
            x,
            [across / 2, across - across / 2, down / 2, down - down / 2],
            PaddingModes.Constant,
            value
        );
    }

    /// <summary>3x3 maximum, every second place, of values that are not negative.</summary>
    public static Tensor MaxPool3(Tensor x) => Pooling.Max(Pad(x, 3, 2, 0), 3, 2);

    private static long Missing(long size, long kernel, long stride) =>
        Math.Max(0, ((size + stride - 1) / stride - 1) * stride + kernel - size);
}
