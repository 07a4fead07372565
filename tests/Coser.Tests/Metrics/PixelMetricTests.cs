using System.Globalization;
using Coser.Metrics;
using Coser.Tests.Fixtures;
using TorchSharp;

namespace Coser.Tests.Metrics;

public sealed class PixelMetricTests
{
    [FixtureKind("psnr_ssim")]
    internal static void Agrees(FixtureCase c)
    {
        // [H,W,3] -> [1,3,H,W]
        torch.Tensor a = c.Input("a_rgb_hwc").permute(2, 0, 1).unsqueeze(0);
        torch.Tensor b = c.Input("b_rgb_hwc").permute(2, 0, 1).unsqueeze(0);
        torch.Tensor floatA = a.to(torch.float32) / 255;
        torch.Tensor floatB = b.to(torch.float32) / 255;
        foreach (string name in c.OutputNames)
        {
            // METRIC[_pt]_COLOUR_cropN, or the Y channel itself.
            string[] parts = name.Split('_');
            bool tensorStyle = parts[1] == "pt";
            if (parts[0] == "y")
            {
                torch.Tensor y = PixelMetric.ToY(a.to(torch.float64));
                if (tensorStyle)
                    c.AssertOutput(name, y / 255);
                else
                    c.AssertOutput(name, y[0].permute(1, 2, 0));
                continue;
            }
            var options = new PixelMetricOptions
            {
                Colour = Enum.Parse<MetricColour>(parts[^2], ignoreCase: true),
                Border = int.Parse(parts[^1].AsSpan(4), CultureInfo.InvariantCulture),
                Convention = tensorStyle ? MetricConvention.Continuous : MetricConvention.EightBit,
            };
            Func<torch.Tensor, torch.Tensor, PixelMetricOptions, double> metric =
                parts[0] == "psnr" ? Psnr.Compute : Ssim.Compute;
            // The reference keeps Y in float32 on the way: 1e-6 dB, and 1e-7 of SSIM.
            const double tolerance = 2e-6;
            c.AssertOutput(name, torch.tensor([metric(a, b, options)], torch.float64), tolerance);
            c.AssertOutput(name, torch.tensor([metric(floatA, floatB, options)], torch.float64), tolerance);
        }
    }

    [Fact]
    public void Equal_images_are_perfect()
    {
        using torch.Tensor image = Image(1);
        Assert.Equal(
            double.PositiveInfinity,
            Psnr.Compute(image, image, new() { Convention = MetricConvention.EightBit })
        );
        Assert.Equal(80, Psnr.Compute(image, image), 9);
        Assert.Equal(1, Ssim.Compute(image, image), 12);
    }

    [Fact]
    public void A_uniform_error_has_its_closed_form()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor dark = torch.full([1, 3, 16, 16], 0.25);
        torch.Tensor bright = torch.full([1, 3, 16, 16], 0.5);
        Assert.Equal(-10 * Math.Log10(0.0625 + 1e-8), Psnr.Compute(dark, bright), 9);
        // Flat images: only the luminance term is left, and Y spans 219 of 255 levels.
        (double a, double b) = (0.25 * 255, 0.5 * 255);
        double c1 = Math.Pow(0.01 * 255, 2);
        Assert.Equal((2 * a * b + c1) / (a * a + b * b + c1), Ssim.Compute(dark, bright), 9);
        Assert.Equal(
            -10 * Math.Log10(Math.Pow(0.25 * 219 / 255, 2) + 1e-8),
            Psnr.Compute(dark, bright, new() { Colour = MetricColour.Y }),
            9
        );
    }

    [Fact]
    public void A_batch_is_judged_image_by_image()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor a = Image(3);
        torch.Tensor b = (a + 0.05 * torch.arange(3).view(3, 1, 1, 1)).clamp(0, 1);
        double[] psnr = Psnr.PerImage(a, b);
        double[] ssim = Ssim.PerImage(a, b);
        Assert.Equal(3, psnr.Length);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Psnr.Compute(a.narrow(0, i, 1), b.narrow(0, i, 1)), psnr[i], 9);
            Assert.Equal(Ssim.Compute(a.narrow(0, i, 1), b.narrow(0, i, 1)), ssim[i], 9);
        }
        Assert.True(psnr[0] > psnr[1] && psnr[1] > psnr[2]);
        Assert.Equal(psnr.Average(), Psnr.Compute(a, b), 9);
    }

    [Fact]
    public void Rounding_y_changes_little_but_something()
    {
        using var scope = torch.NewDisposeScope();
        (torch.Tensor a, torch.Tensor b) = (Image(1), Image(1, seed: 2));
        double plain = Ssim.Compute(a, b, new() { Colour = MetricColour.Y });
        double rounded = Ssim.Compute(a, b, new() { Colour = MetricColour.Y, RoundY = true });
        Assert.NotEqual(plain, rounded);
        Assert.Equal(plain, rounded, 2);
    }

    [Fact]
    public void The_eight_bit_convention_rounds_floating_point_input()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor image = Image(1);
        torch.Tensor levels = (image * 255).round() / 255;
        var options = new PixelMetricOptions { Convention = MetricConvention.EightBit };
        Assert.Equal(double.PositiveInfinity, Psnr.Compute(image, levels, options));
        Assert.True(Psnr.Compute(image, levels) < 80);
    }

    [Fact]
    public void Images_that_cannot_be_compared_are_refused()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor image = Image(1);
        Assert.Throws<ArgumentException>(() => Psnr.Compute(image, image.narrow(3, 0, 20)));
        Assert.Throws<ArgumentException>(() => Ssim.Compute(image, Image(2)));
        Assert.Throws<ArgumentException>(() => Psnr.Compute(image[0], image[0]));
        Assert.Throws<ArgumentException>(() => Psnr.Compute(image, image, new() { Border = 12 }));
        Assert.Throws<ArgumentException>(() => Ssim.Compute(image, image, new() { Border = 7 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PixelMetricOptions { Border = -1 });
    }

    [Fact]
    public void Nothing_leaks()
    {
        using torch.Tensor image = Image(1);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Psnr.Compute(image, image, new() { Colour = MetricColour.Y });
        Ssim.Compute(image, image, new() { Colour = MetricColour.Y, RoundY = true });
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static torch.Tensor Image(int batch, ulong seed = 1)
    {
        using var generator = new torch.Generator(seed);
        return torch.rand([batch, 3, 24, 24], generator: generator);
    }
}
