using Coser.Imaging;
using Coser.Restoration;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

public sealed class ColourFixTests
{
    [Fact]
    public void Detail_is_a_factor_on_the_high_frequencies_alone()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        Tensor content = rand([1, 3, 80, 72], generator: generator);
        Tensor style = rand([1, 3, 80, 72], generator: generator);
        Tensor detail = ColourFix.Wavelet(content, zeros_like(style));
        Tensor usual = ColourFix.Wavelet(content, style);
        Tensor stronger = ColourFix.Wavelet(content, style, 1.5);
        Assert.True(allclose(stronger - usual, 0.5 * detail, atol: 1e-6));
        Assert.True(ColourFix.Wavelet(content, style, 1).equal(usual).all().item<bool>());
        // The photo's colours stay: a surface without detail is the same at any factor.
        Tensor flat = full_like(content, 0.25);
        Assert.True(allclose(ColourFix.Wavelet(flat, style, 3), ColourFix.Wavelet(flat, style), atol: 1e-5));
        // The other corrections have no detail to strengthen.
        foreach (ColourFixKind kind in new[] { ColourFixKind.None, ColourFixKind.AdaIn })
            Assert.True(
                ColourFix.Apply(kind, content, style, 2).equal(ColourFix.Apply(kind, content, style)).all().item<bool>()
            );
    }

    [Theory]
    [InlineData(96, 320)]
    [InlineData(90, 315)]
    public void Grain_fades_where_the_photo_is_smooth_and_stays_where_it_is_not(int height, int width)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        // On the left a surface without detail, on the right one with some.
        Tensor photo = full([1, 3, height, width], 0.5f);
        photo[.., .., .., (width / 2)..] += 0.1 * randn([1, 3, height, width - width / 2], generator: generator);
        Tensor grain = 0.05 * randn([1, 1, height, width], generator: generator);
        Tensor free = ColourFix.Wavelet(photo + grain, photo);
        Tensor held = ColourFix.Wavelet(photo + grain, photo, 1, new DetailLimit(2, 0.01));
        Tensor faded = held - photo;
        Tensor whole = free - photo;
        int quarter = width / 4; // far from the border between the two
        Assert.Equal(0.01, Strength(faded[.., .., .., ..quarter]), 1e-3);
        Assert.InRange(Strength(whole[.., .., .., ..quarter]), 0.04, 0.06);
        Assert.True(allclose(faded[.., .., .., ^quarter..], whole[.., .., .., ^quarter..], atol: 1e-5));
        // A limit that nothing reaches changes nothing.
        Assert.True(allclose(ColourFix.Wavelet(photo + grain, photo, 1, new DetailLimit(0, 1)), free, atol: 1e-5));

        static double Strength(Tensor x) => x.square().mean().sqrt().item<float>();
    }

    [Fact]
    public void A_model_restores_with_its_own_detail_and_limit()
    {
        using var folder = new TemporaryFolder();
        RestorationConfig plain = SmallCoser.Restoration with { ColourFix = ColourFixKind.Wavelet };
        using SuperResolver usual = SmallCoser.Open(SmallCoser.Write(folder.File("usual"), plain));
        using SuperResolver sharp = SmallCoser.Open(
            SmallCoser.Write(folder.File("sharp"), plain with { Detail = 1.5 })
        );
        using SuperResolver held = SmallCoser.Open(
            SmallCoser.Write(folder.File("held"), plain with { DetailLimit = new DetailLimit(0, 0) })
        );
        using Photo photo = SmallCoser.NewPhoto(24, 20);
        Assert.True(Contrast(sharp) > 1.1 * Contrast(usual));
        Assert.True(Contrast(held) < 0.9 * Contrast(usual));

        double Contrast(SuperResolver resolver)
        {
            using var scope = NewDisposeScope();
            using RestoredPhoto restored = resolver.Restore(photo, new RestoreOptions());
            Photo result = restored.Photo;
            Tensor pixels = result.Read(new PixelArea(0, 0, result.Width, result.Height)).to(float32);
            return pixels.diff(dim: -1).abs().mean().item<float>();
        }
    }
}
