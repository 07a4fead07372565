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

    [Fact]
    public void A_model_restores_with_its_own_detail()
    {
        using var folder = new TemporaryFolder();
        RestorationConfig plain = SmallCoser.Restoration with { ColourFix = ColourFixKind.Wavelet };
        using SuperResolver usual = SmallCoser.Open(SmallCoser.Write(folder.File("usual"), plain));
        using SuperResolver sharp = SmallCoser.Open(
            SmallCoser.Write(folder.File("sharp"), plain with { Detail = 1.5 })
        );
        using Photo photo = SmallCoser.NewPhoto(24, 20);
        Assert.True(Contrast(sharp) > 1.1 * Contrast(usual));

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
