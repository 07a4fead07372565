using System.Text.Json;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;
using Coser.Networks.PreSr;
using Coser.Restoration;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

/// <summary>The pipeline on a small network of random weights.</summary>
public sealed class SuperResolverTests : IDisposable
{
    private static readonly Compute Fp32 = Compute.Choose(DeviceChoice.Cpu, Precision.Fp32);
    private readonly TemporaryFolder _folder = new();
    private readonly string _photo;

    public SuperResolverTests()
    {
        _photo = _folder.File("photo.png");
        using Image noise = Image.Gaussnoise(50, 37, sigma: 60, mean: 128, seed: 5);
        using Image smooth = noise.Gaussblur(0.8);
        // 16 bits, so that what is compared is not rounded away.
        using Image rgb = (smooth.Bandjoin(noise, smooth) * 257).Cast(Enums.BandFormat.Ushort);
        rgb.Copy(interpretation: Enums.Interpretation.Rgb16).Pngsave(_photo);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(9)]
    [InlineData(16)]
    [InlineData(49)]
    public void Tiles_leave_no_seam(int tile)
    {
        using SuperResolver resolver = Open(Model());
        using Tensor whole = Restore(resolver, new RestoreOptions { Tile = 64 });
        using Tensor tiled = Restore(resolver, new RestoreOptions { Tile = tile });
        // Both went through 16-bit pixels: a value next to a half rounds either way.
        Assert.InRange((whole - tiled).abs().max().item<float>(), 0, 1.1f / 65535);
        using Tensor other = Restore(Open(Model(seed: 2)), new RestoreOptions());
        Assert.True((whole - other).abs().max().item<float>() > 0.01, "the weights have no effect");
    }

    [Theory]
    [InlineData(4, 200, 148)]
    [InlineData(2, 100, 74)]
    [InlineData(1.5, 75, 56)]
    [InlineData(1, 50, 37)]
    public void The_scale_gives_the_size(double scale, int width, int height)
    {
        using SuperResolver resolver = Open(Model());
        using Photo photo = Photo.Open(_photo);
        using RestoredPhoto restored = resolver.Restore(photo, new RestoreOptions { Scale = scale });
        Assert.Equal((width, height), (restored.Photo.Width, restored.Photo.Height));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(4.01)]
    [InlineData(double.NaN)]
    public void A_scale_the_model_cannot_give_is_refused(double scale)
    {
        using SuperResolver resolver = Open(Model());
        using Photo photo = Photo.Open(_photo);
        Assert.Throws<ArgumentOutOfRangeException>(() => resolver.Restore(photo, new RestoreOptions { Scale = scale }));
    }

    [Fact]
    public void The_same_input_gives_the_same_file()
    {
        byte[] Save(string name)
        {
            using SuperResolver resolver = Open(Model());
            using Photo photo = Photo.Open(_photo);
            using RestoredPhoto restored = resolver.Restore(photo);
            restored.Photo.Save(_folder.File(name));
            return File.ReadAllBytes(_folder.File(name));
        }
        Assert.Equal(Save("a.png"), Save("b.png"));
    }

    [Fact]
    public void A_photo_of_one_pixel_becomes_four_by_four()
    {
        using SuperResolver resolver = Open(Model());
        using (Image pixel = Image.Black(1, 1, bands: 3) + 99)
            pixel.Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb).Pngsave(_photo);
        using Tensor restored = Restore(resolver, new RestoreOptions());
        Assert.Equal([1, 3, 4, 4], restored.shape);
    }

    [Fact]
    public void Weights_that_are_not_numbers_are_an_error_and_no_file()
    {
        using SuperResolver resolver = Open(Model(spoil: w => w["conv_hr.weight"].fill_(double.NaN)));
        using Photo photo = Photo.Open(_photo);
        Assert.Contains("not numbers", Assert.Throws<RestorationException>(() => resolver.Restore(photo)).Message);
    }

    [Fact]
    public void One_colour_for_a_photo_of_many_is_an_error_but_not_for_a_plain_one()
    {
        using SuperResolver resolver = Open(Model(spoil: w => w["conv_last.bias"].fill_(100)));
        using (Photo photo = Photo.Open(_photo))
            Assert.Contains("one colour", Assert.Throws<RestorationException>(() => resolver.Restore(photo)).Message);
        string plain = _folder.File("plain.png");
        using (Image grey = (Image.Black(20, 20, bands: 3) + 128).Cast(Enums.BandFormat.Uchar))
            grey.Copy(interpretation: Enums.Interpretation.Srgb).Pngsave(plain);
        using Photo plainPhoto = Photo.Open(plain);
        using RestoredPhoto restored = resolver.Restore(plainPhoto);
        Assert.Equal(80, restored.Photo.Width);
    }

    [Fact]
    public void Bf16_gives_the_same_picture_within_60_dB()
    {
        using SuperResolver half = Open(Model(), Compute.Choose(DeviceChoice.Cpu, Precision.Bf16));
        using SuperResolver full = Open(Model());
        using Tensor a = Restore(half, new RestoreOptions());
        using Tensor b = Restore(full, new RestoreOptions());
        double psnr = Coser.Metrics.Psnr.Compute(a, b);
        Assert.InRange(psnr, 60, 200);
        Assert.True((a - b).abs().max().item<float>() > 0, "bfloat16 was not used");
    }

    [Fact]
    public void No_tensor_outlives_a_restoration_finished_cancelled_or_failed()
    {
        using SuperResolver resolver = Open(Model());
        using (Restore(resolver, new RestoreOptions { Tile = 20 })) { } // what is made once is made now
        long before = Tensor.TotalCount;
        using (Restore(resolver, new RestoreOptions { Tile = 20 })) { }
        Assert.Equal(before, Tensor.TotalCount);

        using var cancel = new CancellationTokenSource();
        using Photo photo = Photo.Open(_photo);
        var steps = new List<RestoreProgress>();
        Assert.Throws<OperationCanceledException>(() =>
            resolver.Restore(
                photo,
                new RestoreOptions { Tile = 20 },
                new Immediately(p =>
                {
                    steps.Add(p);
                    cancel.Cancel();
                }),
                cancel.Token
            )
        );
        Assert.Equal(new RestoreProgress("pre-SR", 1, 6), Assert.Single(steps));
        Assert.Equal(before, Tensor.TotalCount);

        using SuperResolver broken = Open(Model(spoil: w => w["conv_hr.weight"].fill_(double.NaN)));
        before = Tensor.TotalCount;
        Assert.Throws<RestorationException>(() => broken.Restore(photo));
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void A_model_whose_weights_do_not_fit_is_refused_with_every_name()
    {
        string folder = Model(spoil: w =>
        {
            w.Remove("conv_hr.bias");
            w["extra"] = zeros(1);
            w["conv_first.bias"] = zeros(3);
        });
        using ModelDirectory model = ModelDirectory.Open(folder);
        string message = Assert.Throws<CheckpointException>(model.LoadPreSr).Message;
        Assert.Contains("1 missing: conv_hr.bias", message);
        Assert.Contains("1 unexpected: extra", message);
        Assert.Contains("conv_first.bias [3] instead of [8]", message);
    }

    [Fact]
    public void A_model_is_found_by_path_and_an_unknown_name_lists_the_known_ones()
    {
        string folder = Model();
        Assert.Equal(Path.GetFullPath(folder), ModelDirectory.Find(folder));
        var refused = Assert.Throws<CheckpointException>(() => ModelDirectory.Find("no-such-model"));
        Assert.Contains("Known models:", refused.Message);
    }

    private static SuperResolver Open(string folder, Compute? compute = null)
    {
        using ModelDirectory model = ModelDirectory.Open(folder);
        return new SuperResolver(model, compute ?? Fp32);
    }

    private Tensor Restore(SuperResolver resolver, RestoreOptions options)
    {
        using Photo photo = Photo.Open(_photo);
        using RestoredPhoto restored = resolver.Restore(photo, options);
        return restored.Photo.Read(new PixelArea(0, 0, restored.Photo.Width, restored.Photo.Height));
    }

    private string Model(long seed = 1, Action<Dictionary<string, Tensor>>? spoil = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        manual_seed(seed);
        var config = new MsrResNetConfig { Features = 8, Blocks = 2 };
        using var network = new MsrResNet(config);
        Dictionary<string, Tensor> weights = network.state_dict().ToDictionary(w => w.Key, w => w.Value.clone());
        spoil?.Invoke(weights);
        string folder = Directory.CreateDirectory(_folder.File("model-" + Guid.NewGuid().ToString("n"))).FullName;
        SafetensorsWriter.Write(Path.Combine(folder, "presr.safetensors"), weights);
        ModelManifestEditor.SetComponent(
            folder,
            ModelDirectory.PreSrRole,
            new ComponentManifest
            {
                Kind = "msrresnet",
                File = "presr.safetensors",
                Config = JsonSerializer.SerializeToElement(config, CoserJson.Strict),
            },
            JsonSerializer.SerializeToElement("a test")
        );
        return folder;
    }

    private sealed class Immediately(Action<RestoreProgress> report) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => report(value);
    }
}
