using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>
/// Deep image structure and texture similarity (Ding, Ma, Wang and Simoncelli, TPAMI 2020): means and correlations of
/// VGG-16's maps, with max pooling replaced by a blurred L2 pooling. 0 for equal images, lower is closer.
/// </summary>
public sealed class Dists : nn.Module
{
    private const double C = 1e-6;
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Std = [0.229f, 0.224f, 0.225f];

    [ComponentName(Name = "alpha")]
    private readonly Parameter _alpha;

    [ComponentName(Name = "beta")]
    private readonly Parameter _beta;

    private readonly ConvStack[] _stages;
    private readonly int[] _channels;

    /// <param name="device">META: without values, to be filled from files.</param>
    public Dists(Device? device = null)
        : base(nameof(Dists))
    {
        _channels = [3, .. Backbones.Vgg16.Select(s => s[^1].Outputs)];
        _alpha = Weights.Constant([1, _channels.Sum(), 1, 1], 0.1, device);
        _beta = Weights.Constant([1, _channels.Sum(), 1, 1], 0.1, device);
        _stages = [.. Backbones.Vgg16.Select(s => new ConvStack(s, device))];
        for (int i = 0; i < _stages.Length; i++)
            register_module($"stage{i + 1}", _stages[i]);
        RegisterComponents();
    }

    /// <summary>How large images are cut.</summary>
    internal MapTiles Tiles { get; set; } = MapTiles.Usual;

    /// <summary>The distance of each pair, without any resizing; large images go in parts, to the same result. (The authors' script first shrinks the shorter side to
    /// 256.)</summary>
    /// <param name="first">[B,3,H,W] RGB, [0,1] or uint8; sides at least 16.</param>
    /// <param name="second">The same shape.</param>
    /// <returns>[B], float32.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a side is too short.</exception>
    public Tensor Distance(Tensor first, Tensor second)
    {
        ImageInput.RequirePair(first, second, 16, "DISTS");
        using var scope = NewDisposeScope();
        PairMoments[] levels = [.. _channels.Select(_ => new PairMoments())];
        foreach (MapTile tile in Tiles.Of(first))
        {
            using var inner = NewDisposeScope();
            Tensor[] a = Maps(tile.Read(first));
            Tensor[] b = Maps(tile.Read(second));
            foreach ((int i, PairMoments level) in levels.Index())
            {
                int stride = i == 0 ? 1 : 1 << (i - 1);
                level.Add(tile.Of(a[i], stride), tile.Of(b[i], stride));
            }
        }
        Tensor sum = _alpha.to(float32).sum() + _beta.to(float32).sum();
        Tensor[] alphas = (_alpha.to(float32) / sum).split(_channels.Select(c => (long)c).ToArray(), dim: 1);
        Tensor[] betas = (_beta.to(float32) / sum).split(_channels.Select(c => (long)c).ToArray(), dim: 1);
        Tensor similarity = zeros([first.shape[0], 1, 1, 1], device: first.device);
        foreach ((int i, PairMoments level) in levels.Index())
            similarity = similarity + Similarity(level, alphas[i], betas[i]);
        return (1 - similarity).reshape(-1).MoveToOuterDisposeScope();
    }

    /// <summary>The image, then the maps of five stages, float32.</summary>
    internal Tensor[] Maps(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor start = ImageInput.Unit(image);
        Tensor mean = tensor(Mean, device: image.device).view(1, 3, 1, 1);
        Tensor std = tensor(Std, device: image.device).view(1, 3, 1, 1);
        Tensor x = ((start - mean) / std).to(_alpha.dtype);
        var maps = new List<Tensor> { start.alias() };
        for (int i = 0; i < _stages.Length; i++)
        {
            x = _stages[i].call(i == 0 ? x : Pool(x));
            maps.Add(x.to(float32));
        }
        return [.. maps.Select(m => m.MoveToOuterDisposeScope())];
    }

    private static Tensor Similarity(PairMoments level, Tensor alpha, Tensor beta)
    {
        using var scope = NewDisposeScope();
        (Tensor meanA, Tensor meanB) = level.Means();
        (Tensor varianceA, Tensor varianceB, Tensor covariance) = level.Spread();
        Tensor structureOfMeans = (2 * meanA * meanB + C) / (meanA * meanA + meanB * meanB + C);
        Tensor correlation = (2 * covariance + C) / (varianceA + varianceB + C);
        return (alpha * structureOfMeans + beta * correlation)
            .to(float32)
            .sum(1, keepdim: true)
            .MoveToOuterDisposeScope();
    }

    // The root of squares under a Hann window of 3x3, every second place: no aliasing, unlike max pooling.
    private static Tensor Pool(Tensor x)
    {
        using var scope = NewDisposeScope();
        long channels = x.shape[1];
        Tensor line = tensor([0.25f, 0.5f, 0.25f], x.dtype, x.device);
        Tensor filter = (line.view(3, 1) * line.view(1, 3)).expand(channels, 1, 3, 3);
        Tensor squares = nn.functional.conv2d(x * x, filter, strides: [2, 2], padding: [1, 1], groups: channels);
        return (squares + 1e-12).sqrt().MoveToOuterDisposeScope();
    }
}
