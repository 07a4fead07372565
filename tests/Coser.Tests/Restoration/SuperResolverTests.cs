using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

/// <summary>The pipeline on a small network of random weights.</summary>
public sealed class SuperResolverTests : IDisposable
{
    private readonly SmallModel _small = new();

    public void Dispose() => _small.Dispose();

    [Theory]
    [InlineData(9)]
    [InlineData(16)]
    [InlineData(49)]
    public void Tiles_leave_no_seam(int tile)
    {
        using SuperResolver resolver = SmallModel.Open(_small.Model());
        using Tensor whole = _small.Restore(resolver, new RestoreOptions { Tile = 64 });
        using Tensor tiled = _small.Restore(resolver, new RestoreOptions { Tile = tile });
        // Both went through 16-bit pixels: a value next to a half rounds either way.
        Assert.InRange((whole - tiled).abs().max().item<float>(), 0, 1.1f / 65535);
        using Tensor other = _small.Restore(SmallModel.Open(_small.Model(seed: 2)), new RestoreOptions());
        Assert.True((whole - other).abs().max().item<float>() > 0.01, "the weights have no effect");
    }

    [Theory]
    [InlineData(4, 200, 148)]
    [InlineData(2, 100, 74)]
    [InlineData(1.5, 75, 56)]
    [InlineData(1, 50, 37)]
    public void The_scale_gives_the_size(double scale, int width, int height)
    {
        using SuperResolver resolver = SmallModel.Open(_small.Model());
        using Photo photo = Photo.Open(_small.Photo);
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
        using SuperResolver resolver = SmallModel.Open(_small.Model());
        using Photo photo = Photo.Open(_small.Photo);
        Assert.Throws<ArgumentOutOfRangeException>(() => resolver.Restore(photo, new RestoreOptions { Scale = scale }));
    }

    [Fact]
    public void The_same_input_gives_the_same_file()
    {
        byte[] Save(string name)
        {
            using SuperResolver resolver = SmallModel.Open(_small.Model());
            using Photo photo = Photo.Open(_small.Photo);
            using RestoredPhoto restored = resolver.Restore(photo);
            restored.Photo.Save(_small.Folder.File(name));
            return File.ReadAllBytes(_small.Folder.File(name));
        }
        Assert.Equal(Save("a.png"), Save("b.png"));
    }

    [Fact]
    public void A_photo_of_one_pixel_becomes_four_by_four()
    {
        using SuperResolver resolver = SmallModel.Open(_small.Model());
        using (Image pixel = Image.Black(1, 1, bands: 3) + 99)
            pixel.Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb).Pngsave(_small.Photo);
        using Tensor restored = _small.Restore(resolver, new RestoreOptions());
        Assert.Equal([1, 3, 4, 4], restored.shape);
    }

    [Fact]
    public void Weights_that_are_not_numbers_are_an_error_and_no_file()
    {
        using SuperResolver resolver = SmallModel.Open(_small.Model(spoil: w => w["conv_hr.weight"].fill_(double.NaN)));
        using Photo photo = Photo.Open(_small.Photo);
        Assert.Contains("not numbers", Assert.Throws<RestorationException>(() => resolver.Restore(photo)).Message);
    }

    [Fact]
    public void One_colour_for_a_photo_of_many_is_an_error_but_not_for_a_plain_one()
    {
        using SuperResolver resolver = SmallModel.Open(_small.Model(spoil: w => w["conv_last.bias"].fill_(100)));
        using (Photo photo = Photo.Open(_small.Photo))
            Assert.Contains("one colour", Assert.Throws<RestorationException>(() => resolver.Restore(photo)).Message);
        string plain = _small.Folder.File("plain.png");
        using (Image grey = (Image.Black(20, 20, bands: 3) + 128).Cast(Enums.BandFormat.Uchar))
            grey.Copy(interpretation: Enums.Interpretation.Srgb).Pngsave(plain);
        using Photo plainPhoto = Photo.Open(plain);
        using RestoredPhoto restored = resolver.Restore(plainPhoto);
        Assert.Equal(80, restored.Photo.Width);
    }

    [Fact]
    public void Bf16_gives_the_same_picture_within_60_dB()
    {
        using SuperResolver half = SmallModel.Open(_small.Model(), Compute.Choose(DeviceChoice.Cpu, Precision.Bf16));
        using SuperResolver full = SmallModel.Open(_small.Model());
        using Tensor a = _small.Restore(half, new RestoreOptions());
        using Tensor b = _small.Restore(full, new RestoreOptions());
        double psnr = Coser.Metrics.Psnr.Compute(a, b);
        Assert.InRange(psnr, 60, 200);
        Assert.True((a - b).abs().max().item<float>() > 0, "bfloat16 was not used");
    }

    [Fact]
    public void A_model_whose_weights_do_not_fit_is_refused_with_every_name()
    {
        string folder = _small.Model(spoil: w =>
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
        string folder = _small.Model();
        Assert.Equal(Path.GetFullPath(folder), ModelDirectory.Find(folder));
        var refused = Assert.Throws<CheckpointException>(() => ModelDirectory.Find("no-such-model"));
        Assert.Contains("Known models:", refused.Message);
    }
}
