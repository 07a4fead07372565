using TorchSharp;

namespace Coser.Metrics;

/// <summary>Peak signal-to-noise ratio in dB; higher is closer.</summary>
public static class Psnr
{
    private const double Peak = 255;

    /// <summary>Mean over a batch of <see cref="PerImage"/>.</summary>
    /// <inheritdoc cref="PerImage"/>
    public static double Compute(torch.Tensor a, torch.Tensor b, PixelMetricOptions? options = null) =>
        PerImage(a, b, options).Average();

    /// <summary>PSNR of each pair of images.</summary>
    /// <param name="a">[B,3,H,W] RGB: floating point in [0,1], or uint8.</param>
    /// <param name="b">The other images, of the same shape.</param>
    /// <param name="options">RGB without border when null.</param>
    /// <returns>B values.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or nothing is left within the border.</exception>
    public static double[] PerImage(torch.Tensor a, torch.Tensor b, PixelMetricOptions? options = null)
    {
        options ??= new();
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        (a, b) = PixelMetric.Prepare(a, b, options);
        torch.Tensor error = (a - b).pow_(2).mean([1, 2, 3]) / (Peak * Peak);
        double floor = options.Convention == MetricConvention.Continuous ? 1e-8 : 0;
        return [.. error.cpu().data<double>().Select(e => -10 * Math.Log10(e + floor))];
    }
}
