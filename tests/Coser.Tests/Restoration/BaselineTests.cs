using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using Coser.Engine;
using Coser.Networks;
using Coser.Networks.Baselines;
using Coser.Restoration;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

/// <summary>Baselines in their official layouts, with random weights.</summary>
public sealed class BaselineTests
{
    private static readonly Compute Fp32 = Compute.Choose(DeviceChoice.Cpu, Precision.Fp32);
    private static readonly RrdbNetConfig Rrdb4 = new()
    {
        Features = 8,
        Blocks = 2,
        Growth = 2, // see docs/speed.md: no more than 16 channels into a convolution, or a multiple of 16
    };
    private static readonly RrdbNetConfig Rrdb2 = Rrdb4 with { Scale = 2, Blocks = 1 };
    private static readonly SrVggNetConfig Compact = new()
    {
        Features = 8,
        Convolutions = 3,
        Upscale = 4,
    };

    public static TheoryData<string, int, string> Layouts() =>
        new()
        {
            { "new", 4, "RRDBNet (BasicSR)" },
            { "x2", 2, "RRDBNet (BasicSR)" },
            { "old", 4, "RRDBNet (ESRGAN)" },
            { "compact", 4, "SRVGGNetCompact" },
        };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void An_official_file_restores_a_photo_as_it_is_and_converted(string layout, int scale, string name)
    {
        using var model = new SmallModel();
        using var scope = NewDisposeScope();
        (string file, IEnlarger network) = Write(model.Folder, layout);
        using BaselineFile baseline = BaselineFile.Open(file);
        Assert.Equal((name, scale), (baseline.Layout, baseline.Scale));
        using SuperResolver direct = SuperResolver.Of(baseline.Load(), Fp32);
        Tensor restored = model.Restore(direct, new RestoreOptions { Scale = scale });
        Assert.Equal([1, 3, 37 * scale, 50 * scale], restored.shape);

        string folder = model.Folder.File("converted");
        ModelConverter.Convert(new ConversionRequest { PreSr = file, Output = folder });
        using ModelDirectory directory = ModelDirectory.Open(folder);
        Assert.Equal(scale, directory.Manifest.Scale);
        Assert.Empty(ModelVerifier.Verify(directory, NetworkKinds.All, values: true));
        using var converted = new SuperResolver(directory, Fp32);
        Tensor again = model.Restore(converted, new RestoreOptions { Scale = scale });
        Assert.True(allclose(restored, again, 0, 1e-6));

        // And it is the network itself: the photo's middle lies beyond any edge.
        using var noGrad = no_grad();
        using Coser.Imaging.Photo photo = Coser.Imaging.Photo.Open(model.Photo);
        Tensor input = photo.Read(new Coser.Imaging.PixelArea(0, 0, 48, 36));
        Tensor expected = network.Enlarge(input).clamp(0, 1);
        Tensor corner = expected.narrow(2, 0, 4).narrow(3, 0, 4);
        if (layout == "compact")
            Assert.True(allclose(corner, restored.narrow(2, 0, 4).narrow(3, 0, 4), 0, 2e-5));
        else
            Assert.Equal(
                corner.mean().item<float>(),
                restored.narrow(2, 0, 4).narrow(3, 0, 4).mean().item<float>(),
                0.05
            );
        network.Dispose();
    }

    [Fact]
    public void Tiles_of_the_compact_network_give_the_whole()
    {
        using var model = new SmallModel();
        using var scope = NewDisposeScope();
        (string file, IEnlarger network) = Write(model.Folder, "compact");
        network.Dispose();
        using BaselineFile baseline = BaselineFile.Open(file);
        using SuperResolver resolver = SuperResolver.Of(baseline.Load(), Fp32);
        Tensor whole = model.Restore(resolver, new RestoreOptions());
        Tensor tiled = model.Restore(resolver, new RestoreOptions { Tile = 16 });
        Assert.True(allclose(whole, tiled, 0, 2e-5));
    }

    [Fact]
    public void Tiles_of_a_folding_network_start_at_whole_folds()
    {
        using var model = new SmallModel();
        using var scope = NewDisposeScope();
        (string file, IEnlarger network) = Write(model.Folder, "x2");
        Assert.Equal(2, network.Multiple);
        network.Dispose();
        using BaselineFile baseline = BaselineFile.Open(file);
        using SuperResolver resolver = SuperResolver.Of(baseline.Load(), Fp32);
        Tensor whole = model.Restore(resolver, new RestoreOptions { Scale = 2 });
        // Tiles of 15 pixels would cut folds apart; with the margin of one block all is the same.
        Tensor tiled = model.Restore(resolver, new RestoreOptions { Scale = 2, Tile = 15 });
        Assert.True(allclose(whole, tiled, 0, 2e-5));
    }

    [Fact]
    public void A_baseline_is_no_part_of_coser()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        (string file, IEnlarger network) = Write(folder, "new");
        network.Dispose();
        var request = new ConversionRequest
        {
            PreSr = file,
            Coser = [file],
            Output = folder.File("model"),
        };
        Assert.Throws<CheckpointException>(() => ModelConverter.Convert(request));
        Assert.False(Directory.Exists(request.Output));
    }

    [Fact]
    public void Incomplete_and_foreign_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        (string file, IEnlarger network) = Write(folder, "new");
        network.Dispose();
        string cut = folder.File("cut.safetensors");
        using (var whole = SafetensorsFile.Open(file))
            SafetensorsWriter.Write(
                cut,
                whole
                    .Entries.Keys.Where(k => k != "conv_hr.bias")
                    .ToDictionary(k => k, whole.Read, StringComparer.Ordinal)
            );
        string message = Assert.Throws<CheckpointException>(() => BaselineFile.Open(cut)).Message;
        Assert.Contains("conv_hr.bias", message, StringComparison.Ordinal);
        string other = folder.File("other.safetensors");
        SafetensorsWriter.Write(other, new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["x"] = zeros(2) });
        Assert.Throws<CheckpointException>(() => BaselineFile.Open(other));
    }

    [Fact]
    public void Sizes_that_cannot_be_built_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new RrdbNet(new RrdbNetConfig { Scale = 3 }, META));
        Assert.Throws<ArgumentException>(() => new SrVggNet(new SrVggNetConfig { Activation = "gelu" }, META));
        Assert.Throws<ArgumentException>(() => new SrVggNet(new SrVggNetConfig { Upscale = 0 }, META));
    }

    private static (string File, IEnlarger Network) Write(TemporaryFolder folder, string layout)
    {
        nn.Module network = layout switch
        {
            "new" or "old" => new RrdbNet(Rrdb4),
            "x2" => new RrdbNet(Rrdb2),
            _ => new SrVggNet(Compact),
        };
        string file = folder.File(layout + ".safetensors");
        using (no_grad())
        {
            long seed = 0;
            foreach (Tensor weight in network.state_dict().Values)
                weight.copy_(Draw.Normal(seed++, weight.shape).mul(weight.dim() > 1 ? 0.1 : 0.05));
        }
        SafetensorsWriter.Write(
            file,
            network
                .state_dict()
                .ToDictionary(s => layout == "old" ? OldName(s.Key) : s.Key, s => s.Value, StringComparer.Ordinal)
        );
        return (file, (IEnlarger)network);
    }

    // The names of the fixtures' table.
    private static string OldName(string key) =>
        key.StartsWith("body.", StringComparison.Ordinal)
            ? "RRDB_trunk." + key[5..].Replace("rdb", "RDB", StringComparison.Ordinal)
            : key.Replace("conv_body", "trunk_conv", StringComparison.Ordinal)
                .Replace("conv_up", "upconv", StringComparison.Ordinal)
                .Replace("conv_hr", "HRconv", StringComparison.Ordinal);
}
