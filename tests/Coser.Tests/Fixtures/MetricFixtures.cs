using System.Globalization;
using System.Text.Json;
using Coser.Metrics.Networks;
using Coser.Metrics.Niqe;
using Coser.Metrics.Sets;
using TorchSharp;

namespace Coser.Tests.Fixtures;

internal static class MetricFixtures
{
    [FixtureKind("frechet")]
    public static void Frechet(FixtureCase c)
    {
        foreach (string name in c.OutputNames)
        {
            string set = name[..name.IndexOf('_', StringComparison.Ordinal)];
            string other = name.EndsWith("_self", StringComparison.Ordinal) ? "a" : "b";
            torch.Tensor featuresA = c.Input($"{set}_feats_a");
            using FeatureStatistics a = FeatureStatistics.Of(featuresA);
            using FeatureStatistics b = FeatureStatistics.Of(c.Input($"{set}_feats_{other}"));
            using FeatureStatistics givenA = FeatureStatistics.Of(c.Input($"{set}_mu_a"), c.Input($"{set}_cov_a"), 0);
            using FeatureStatistics givenB = FeatureStatistics.Of(
                c.Input($"{set}_mu_{other}"),
                c.Input($"{set}_cov_{other}"),
                0
            );
            Close(givenA.Mean, a.Mean);
            Close(givenA.Covariance, a.Covariance);
            bool singular = featuresA.shape[0] < featuresA.shape[1];
            double size = Math.Max(Math.Abs(c.Expected(name).item<double>()), a.Covariance.trace().item<double>());
            double tolerance = size * (singular ? 1e-3 : 1e-9);
            foreach (
                double distance in new[] { FrechetDistance.Compute(a, b), FrechetDistance.Compute(givenA, givenB) }
            )
                c.AssertOutput(name, torch.tensor([distance], torch.float64), tolerance);
        }
    }

    [FixtureKind("niqe")]
    public static void Niqe(FixtureCase c)
    {
        double[] Numbers(string input) => [.. c.Input(input).contiguous().data<double>()];
        NiqePrior prior = NiqePrior.Of(
            "fixture",
            Numbers("mu_pris_param"),
            Numbers("cov_pris_param"),
            Numbers("gaussian_window")
        );
        for (int i = 0; c.HasInput($"image{i}_rgb_hwc"); i++)
        {
            torch.Tensor image = c.Input($"image{i}_rgb_hwc").permute(2, 0, 1).unsqueeze(0);
            NiqePlane plane = NaturalnessIndex.Plane(image, 0, 0);
            NiqePlane half = plane.Cut(plane.Height / 96 * 96, plane.Width / 96 * 96).Half();
            c.AssertOutput($"half_image{i}", torch.tensor(half.Values).view(half.Height, half.Width) / 255);
            c.AssertOutput(
                $"features{i}",
                NaturalnessIndex.Matrix(NiqeFeatures.Of(plane, prior.Block, prior.Window).Features)
            );
            foreach (int border in new[] { 0, 4 })
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"niqe{i}_crop{border}");
                torch.Tensor value = torch.tensor(NaturalnessIndex.PerImage(image, prior, border), torch.float64);
                c.AssertOutput(name, value);
            }
        }
    }

    [FixtureKind("lpips")]
    public static void Lpips(FixtureCase c)
    {
        LpipsBackbone backbone = Enum.Parse<LpipsBackbone>(c.Config.GetProperty("net").GetString()!, ignoreCase: true);
        using var network = new Lpips(backbone);
        WeightFile.Fill(c, network, "scaling_layer");
        (torch.Tensor a, torch.Tensor b) = (c.Input("a"), c.Input("b"));
        c.AssertOutput("distance", network.Distance(a, b));
        torch.Tensor[] levels = network.Levels(a, b);
        torch.Tensor[] maps = network.Maps(a);
        for (int i = 0; i < levels.Length; i++)
        {
            c.AssertOutput($"layer{i}", levels[i]);
            c.AssertOutput($"feat{i}_mean", maps[i].mean([2, 3]));
        }
    }

    [FixtureKind("dists")]
    public static void Dists(FixtureCase c)
    {
        using var network = new Dists();
        WeightFile.Fill(c, network);
        c.AssertOutput("score", network.Distance(c.Input("a"), c.Input("b")));
        torch.Tensor[] maps = network.Maps(c.Input("a"));
        for (int i = 0; i < maps.Length; i++)
            c.AssertOutput($"feat{i}_mean", maps[i].mean([2, 3]));
    }

    [FixtureKind("fid_inception")]
    public static void Inception(FixtureCase c)
    {
        using var network = new FidInception();
        WeightFile.Fill(c, network);
        torch.Tensor image = c.Input("image_u8");
        torch.Tensor[] stages = network.Stages(FidPreprocessing.Bilinear(image));
        c.AssertOutput("pool3", stages[^1]);
        for (int i = 0; i < 3; i++)
            c.AssertOutput($"block{i}_mean", stages[i].mean([2, 3]));
        c.AssertOutput(
            "resized_pytorch_bilinear_crop",
            Crop(FidPreprocessing.BilinearResize(image.to(torch.float32) / 255))
        );
        c.AssertOutput("resized_clean_pil_bicubic_crop", Crop(FidPreprocessing.CleanResize(image)));
    }

    [FixtureKind("musiq")]
    public static void Musiq(FixtureCase c)
    {
        MusiqConfig config = c.Config.Deserialize<MusiqConfig>()!;
        using var network = new Musiq(config);
        WeightFile.Fill(c, network);
        torch.Tensor image = c.Input("x");
        (torch.Tensor patches, torch.Tensor places) = MusiqPatches.Of(image * 2 - 1, config);
        c.AssertOutput("positions_scale_mask", places);
        c.AssertOutput("token_sums", patches.sum(-1));
        c.AssertOutput("tokens_every_37th", patches[.., torch.TensorIndex.Slice(null, null, 37)]);
        c.AssertOutput("mos", network.Score(image));
        c.AssertOutput("dist", network.Distribution(image));
    }

    [FixtureKind("maniqa")]
    public static void Maniqa(FixtureCase c)
    {
        JsonElement vit = c.Config.GetProperty("vit");
        var config = new ManiqaConfig
        {
            Width = c.Config.GetProperty("embed_dim").GetInt32(),
            VitBlocks = vit.GetProperty("depth").GetInt32(),
            VitHeads = vit.GetProperty("heads").GetInt32(),
            VitClasses = vit.GetProperty("classes").GetInt32(),
            Patch = vit.GetProperty("patch").GetInt32(),
            Crop = c.Config.GetProperty("crop_size").GetInt32(),
            MlpWidth = c.Config.GetProperty("dim_mlp").GetInt32(),
            Depths = c.Config.GetProperty("swin_depths").Deserialize<int[]>()!,
            Heads = c.Config.GetProperty("swin_heads").Deserialize<int[]>()!,
            Window = c.Config.GetProperty("window").GetInt32(),
            TransposedBlocks = c.Config.GetProperty("num_tab").GetInt32(),
            Scale = c.Config.GetProperty("scale").GetDouble(),
            Crops = c.Config.GetProperty("test_sample").GetInt32(),
        };
        using var network = new Maniqa(config);
        WeightFile.Fill(c, network);
        torch.Tensor image = c.Input("x");
        torch.Tensor crops = network.Crops(image);
        c.AssertOutput("crops_mean", crops.mean([1, 2, 3]));
        torch.Tensor features = network.Features(crops);
        c.AssertOutput("vit_features", features[.., torch.TensorIndex.Slice(null, null, 5)]);
        c.AssertOutput("score", network.Score(image));
    }

    private static torch.Tensor Crop(torch.Tensor image) => image[.., .., 100..140, 100..140];

    private static void Close(torch.Tensor expected, torch.Tensor actual) =>
        Assert.True(torch.allclose(expected.reshape(-1), actual.reshape(-1), 1e-10, 1e-12));
}
