using Coser.Networks.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>The classifier behind LPIPS.</summary>
public enum LpipsBackbone
{
    /// <summary>AlexNet: what papers report.</summary>
    Alex,

    /// <summary>VGG-16.</summary>
    Vgg,
}

/// <summary>
/// Learned perceptual image patch similarity, version 0.1 (Zhang et al., CVPR 2018), with the key names of its authors'
/// package. Lower is closer.
/// </summary>
public sealed class Lpips : nn.Module
{
    private const double Eps = 1e-10;
    private static readonly float[] Shift = [-0.030f, -0.088f, -0.188f];
    private static readonly float[] Scale = [0.458f, 0.448f, 0.450f];
    private readonly ConvStack[] _stages;
    private readonly Conv[] _heads;
    private readonly LpipsBackbone _backbone;

    /// <param name="backbone">The classifier.</param>
    /// <param name="device">META: without values, to be filled from files.</param>
    public Lpips(LpipsBackbone backbone, Device? device = null)
        : base(nameof(Lpips))
    {
        _backbone = backbone;
        IReadOnlyList<StackedConv[]> stages = backbone == LpipsBackbone.Alex ? Backbones.Alex : Backbones.Vgg16;
        _stages = [.. stages.Select(s => new ConvStack(s, device))];
        _heads = [.. stages.Select(s => new Conv(s[^1].Outputs, 1, 1, device, bias: false))];
        register_module("net", new Named([.. _stages.Select((s, i) => ($"slice{i + 1}", (nn.Module)s))]));
        for (int i = 0; i < _heads.Length; i++)
            register_module($"lin{i}", new Slot<Slot<Conv>>("model", new Slot<Conv>(1, _heads[i])));
    }

    /// <summary>How large images are cut.</summary>
    internal MapTiles Tiles { get; set; } = MapTiles.Usual;

    /// <summary>The distance of each pair. Large images go in parts, to the same result.</summary>
    /// <param name="first">[B,3,H,W] RGB, [0,1] or uint8; sides at least 64 for AlexNet, 16 for VGG.</param>
    /// <param name="second">The same shape.</param>
    /// <returns>[B], float32, not negative with the published heads.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a side is too short.</exception>
    public Tensor Distance(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        return stack(Levels(first, second)).sum(dim: 0).MoveToOuterDisposeScope();
    }

    /// <summary>What each of the five levels adds, [B] each.</summary>
    internal Tensor[] Levels(Tensor first, Tensor second)
    {
        ImageInput.RequirePair(first, second, _backbone == LpipsBackbone.Alex ? 64 : 16, "LPIPS");
        using var scope = NewDisposeScope();
        Tensor sums = zeros([_heads.Length, first.shape[0]], dtype: float64, device: first.device);
        long[] places = new long[_heads.Length];
        foreach (MapTile tile in Tiles.Of(first))
        {
            using var inner = NewDisposeScope();
            Tensor[] a = Maps(tile.Read(first));
            Tensor[] b = Maps(tile.Read(second));
            foreach ((int i, Conv head) in _heads.Index())
            {
                Tensor difference = tile.Of(
                    head.call((Unit(a[i]) - Unit(b[i])).square().to(head.Type)).to(float32),
                    Stride(i)
                );
                places[i] += difference.shape[2] * difference.shape[3];
                using Tensor sum = sums[i];
                sum.add_(difference.sum([1, 2, 3], type: float64));
            }
        }
        return [.. places.Select((n, i) => (sums[i] / n).to(float32).MoveToOuterDisposeScope())];
    }

    /// <summary>The backbone's maps of five levels, float32.</summary>
    internal Tensor[] Maps(Tensor image)
    {
        using var scope = NewDisposeScope();
        Device device = image.device;
        Tensor x = ImageInput.Unit(image) * 2 - 1;
        x = (x - tensor(Shift, device: device).view(1, 3, 1, 1)) / tensor(Scale, device: device).view(1, 3, 1, 1);
        x = x.to(_heads[0].Type);
        var maps = new Tensor[_stages.Length];
        for (int i = 0; i < maps.Length; i++)
        {
            // AlexNet pools before its second and third stage, VGG before every one but the first.
            bool pools = i > 0 && (_backbone == LpipsBackbone.Vgg || i <= 2);
            int window = _backbone == LpipsBackbone.Vgg ? 2 : 3;
            x = _stages[i].call(pools ? Pooling.Max(x, window, 2) : x);
            // Differences of near equals would drown in the rounding of 16 bits.
            maps[i] = x.to(float32);
        }
        return [.. maps.Select(m => m.MoveToOuterDisposeScope())];
    }

    // Of a level's map.
    private int Stride(int level) => _backbone == LpipsBackbone.Vgg ? 1 << level : Math.Min(4 << level, 16);

    private static Tensor Unit(Tensor map)
    {
        using var scope = NewDisposeScope();
        return (map / (map.square().sum(1, keepdim: true).sqrt() + Eps)).MoveToOuterDisposeScope();
    }
}

/// <summary>Modules under names of their own, as keys of a checkpoint need them.</summary>
internal sealed class Named : nn.Module
{
    public Named((string Name, nn.Module Module)[] modules)
        : base(nameof(Named))
    {
        foreach ((string name, nn.Module module) in modules)
            register_module(name, module);
    }
}
