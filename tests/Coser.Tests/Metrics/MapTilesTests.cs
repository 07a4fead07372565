using Coser.Metrics.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Metrics;

/// <summary>Images cut into parts are measured as if they were whole.</summary>
public sealed class MapTilesTests
{
    public static TheoryData<string, int, int> Sizes() =>
        new()
        {
            { "alex", 200, 333 },
            { "alex", 131, 290 },
            { "vgg", 150, 215 },
            { "vgg", 129, 260 },
            { "dists", 150, 215 },
            { "dists", 129, 260 },
        };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Parts_give_the_distance_of_the_whole(string metric, int height, int width)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        (Tensor a, Tensor b) = Images(height, width);
        var small = new MapTiles(64);
        Assert.True(small.Of(a).Count >= 6);
        Assert.Single(MapTiles.Usual.Of(a));
        (float whole, float parts) = metric switch
        {
            "dists" => Both(new Dists(), (n, t) => n.Tiles = t, n => n.Distance(a, b)),
            _ => Both(
                new Lpips(metric == "vgg" ? LpipsBackbone.Vgg : LpipsBackbone.Alex),
                (n, t) => n.Tiles = t,
                n => n.Distance(a, b)
            ),
        };
        Assert.True(Math.Abs(whole) > 1e-4, $"{whole}");
        Assert.Equal(whole, parts, Math.Abs(whole) * 2e-5f);

        (float, float) Both<T>(T network, Action<T, MapTiles> cut, Func<T, Tensor> measure)
            where T : nn.Module
        {
            using T own = Filled(network);
            float first = measure(own).item<float>();
            cut(own, small);
            return (first, measure(own).item<float>());
        }
    }

    [Fact]
    public void Every_place_of_a_map_belongs_to_one_part()
    {
        using var scope = NewDisposeScope();
        using Tensor image = zeros(1, 1, 211, 150);
        using Tensor count = zeros(1, 1, 211, 150);
        foreach (MapTile tile in new MapTiles(32).Of(image))
        {
            // A view of a view writes through.
            Tensor own = tile.Of(tile.Read(count), 1);
            own.add_(1);
        }
        Assert.Equal((1f, 1f), (count.min().item<float>(), count.max().item<float>()));
    }

    [Theory]
    [InlineData("vgg")]
    [InlineData("dists")]
    public void Sixteen_bits_change_a_distance_by_little(string metric)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        (Tensor a, Tensor b) = Images(96, 112);
        nn.Module network = Filled<nn.Module>(metric == "dists" ? new Dists() : new Lpips(LpipsBackbone.Vgg));
        float exact = Measure();
        network.to(bfloat16);
        float rounded = Measure();
        network.Dispose();
        Assert.NotEqual(exact, rounded);
        Assert.Equal(exact, rounded, Math.Abs(exact) * 0.02f);

        float Measure() =>
            (network is Dists dists ? dists.Distance(a, b) : ((Lpips)network).Distance(a, b)).item<float>();
    }

    private static (Tensor A, Tensor B) Images(int height, int width)
    {
        Tensor coarse = Draw.Uniform(3, 1, 3, height / 8, width / 8);
        Tensor a = nn
            .functional.interpolate(coarse, [height, width], mode: InterpolationMode.Bicubic, align_corners: false)
            .clamp(0, 1);
        return (a, (a + 0.1 * Draw.Normal(4, 1, 3, height, width)).clamp(0, 1));
    }

    // He's start keeps the maps' size from level to level; heads are positive, as the published ones.
    private static T Filled<T>(T network)
        where T : nn.Module
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach ((string name, TorchSharp.Modules.Parameter weight) in network.named_parameters())
        {
            if (weight.dim() != 4 || name is "alpha" or "beta")
                continue;
            Tensor draw = Draw.Normal(name.Length + weight.shape[0] + name.Sum(c => c), weight.shape);
            bool head = name.StartsWith("lin", StringComparison.Ordinal);
            double fanIn = weight.numel() / (double)weight.shape[0];
            weight.copy_(head ? draw.abs() / fanIn : draw * Math.Sqrt(2 / fanIn));
        }
        return network;
    }
}
