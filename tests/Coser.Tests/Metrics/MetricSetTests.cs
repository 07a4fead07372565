using Coser.Checkpoints;
using Coser.Metrics.Catalogue;
using Coser.Metrics.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Metrics;

public sealed class MetricSetTests
{
    [Fact]
    public void Without_weights_the_others_run_and_the_rest_is_named()
    {
        using MetricSet set = MetricSet.Open();
        Assert.Equal(
            ["psnr_rgb", "psnr_y", "ssim_y", "ms_ssim_y", "haarpsi", "gmsd", "sharpness", "colour_shift", "niqe"],
            set.Images.Select(m => m.Info.Key)
        );
        Assert.Equal(["niqe_set"], set.Sets.Select(s => s.Info.Key));
        Assert.Contains(set.Absent, a => a.Title == "FID" && a.Wanted.Contains("inception", StringComparison.Ordinal));
        using Tensor image = Draw.Uniform(1, 1, 3, 192, 192);
        Assert.All(set.Images, m => Assert.True(double.IsFinite(m.Measure(image, image).Value), m.Info.Key));
    }

    [Fact]
    public void Lpips_is_put_together_from_its_authors_heads_and_torchvisions_backbone()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var network = new Lpips(LpipsBackbone.Alex);
        Dictionary<string, Tensor> state = network.state_dict();
        var heads = state
            .Where(s => s.Key.StartsWith("lin", StringComparison.Ordinal))
            .ToDictionary(s => s.Key, s => s.Value, StringComparer.Ordinal);
        var backbone = state
            .Where(s => s.Key.StartsWith("net.", StringComparison.Ordinal))
            .ToDictionary(
                s => "features." + string.Join('.', s.Key.Split('.')[2..]),
                s => s.Value,
                StringComparer.Ordinal
            );
        Assert.Contains("features.10.bias", backbone.Keys);
        backbone["classifier.6.bias"] = zeros(1000);
        SafetensorsWriter.Write(folder.File("alex.safetensors"), heads);
        SafetensorsWriter.Write(folder.File("alexnet-owt-7be5be79.safetensors"), backbone);
        (Tensor a, Tensor b) = (Draw.Uniform(2, 2, 3, 64, 72), Draw.Uniform(3, 2, 3, 64, 72));
        Tensor expected = network.Distance(a, b);
        using MetricSet set = MetricSet.Open(new MetricSetOptions { Weights = folder.Path });
        ImageMetric lpips = set.Images.Single(m => m.Info.Key == "lpips_alex");
        for (int i = 0; i < 2; i++)
            Assert.Equal(expected[i].item<float>(), lpips.Measure(a.narrow(0, i, 1), b.narrow(0, i, 1)).Value, 5);
        Assert.Contains(set.Absent, m => m.Title == "LPIPS VGG");
    }

    [Fact]
    public void A_file_of_the_right_name_that_holds_something_else_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(
            folder.File("pt_inception-2015-12-05-6726825d.safetensors"),
            new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["fc.weight"] = zeros(1008, 2048) }
        );
        string message = Assert
            .Throws<CheckpointException>(() => MetricSet.Open(new MetricSetOptions { Weights = folder.Path }))
            .Message;
        Assert.Contains("missing", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_images_are_perfect_for_networks_too()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var lpips = new Lpips(LpipsBackbone.Alex);
        using var dists = new Dists();
        Tensor image = Draw.Uniform(4, 1, 3, 64, 64);
        Assert.Equal(0, lpips.Distance(image, image).item<float>(), 7);
        Assert.Equal(0, dists.Distance(image, image).item<float>(), 6);
        Assert.Throws<ArgumentException>(() => lpips.Distance(image.narrow(2, 0, 32), image.narrow(2, 0, 32)));
        Assert.Throws<ArgumentException>(() => dists.Distance(image, image.narrow(2, 0, 32)));
    }

    [Fact]
    public void Maniqa_and_musiq_refuse_sizes_that_do_not_fit()
    {
        Assert.Throws<ArgumentException>(() => new Maniqa(new ManiqaConfig { VitBlocks = 9 }, META));
        Assert.Throws<ArgumentException>(() => new Maniqa(new ManiqaConfig { Crop = 100 }, META));
        Assert.Throws<ArgumentException>(() => new Musiq(new MusiqConfig { Stem = 40 }, META));
    }
}
