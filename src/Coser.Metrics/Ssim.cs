using TorchSharp;

namespace Coser.Metrics;

/// <summary>
/// Structural similarity (Wang et al., 2004): 11x11 Gaussian window of deviation 1.5, only windows that lie inside, no
/// downsampling, in float64; channels are averaged. 1 for equal images.
/// </summary>
public static class Ssim
{
    private const int Window = 11;
    private const double Sigma = 1.5;
    private const double C1 = 0.01 * 255 * (0.01 * 255);
    private const double C2 = 0.03 * 255 * (0.03 * 255);

    /// <summary>Mean over a batch of <see cref="PerImage"/>.</summary>
    /// <inheritdoc cref="PerImage"/>
    public static double Compute(torch.Tensor a, torch.Tensor b, PixelMetricOptions? options = null) =>
        PerImage(a, b, options).Average();

    /// <summary>SSIM of each pair of images.</summary>
    /// <param name="a">[B,3,H,W] RGB: floating point in [0,1], or uint8.</param>
    /// <param name="b">The other images, of the same shape.</param>
    /// <param name="options">RGB without border when null.</param>
    /// <returns>B values.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or no window fits within the border.</exception>
    public static double[] PerImage(torch.Tensor a, torch.Tensor b, PixelMetricOptions? options = null)
    {
        options ??= new();
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        (a, b) = PixelMetric.Prepare(a, b, options);
        if (Math.Min(a.shape[2], a.shape[3]) < Window)
            throw new ArgumentException($"SSIM needs {Window} pixels within the border", nameof(a));
        (torch.Tensor luminance, torch.Tensor structure) = Maps(a, b);
        return [.. (luminance * structure).mean([1, 2, 3]).cpu().data<double>()];
    }

    /// <summary>The two factors at every place: luminance, and contrast with structure.</summary>
    /// <param name="a">[B,C,h,w], float64, 0-255.</param>
    /// <param name="b">The same shape.</param>
    /// <returns>[B,C,h-10,w-10] each, left to the caller's scope.</returns>
    internal static (torch.Tensor Luminance, torch.Tensor Structure) Maps(torch.Tensor a, torch.Tensor b)
    {
        // Five maps in one go: [5,B,C,h,w].
        torch.Tensor[] maps = WindowMeans(torch.stack([a, b, a * a, b * b, a * b])).unbind();
        (torch.Tensor meanA, torch.Tensor meanB) = (maps[0], maps[1]);
        torch.Tensor meanSquares = meanA * meanA + meanB * meanB;
        torch.Tensor meanProduct = meanA * meanB;
        torch.Tensor variances = maps[2] + maps[3] - meanSquares;
        torch.Tensor covariance = maps[4] - meanProduct;
        return ((2 * meanProduct + C1) / (meanSquares + C1), (2 * covariance + C2) / (variances + C2));
    }

    // The window is a product of two lines: one pass down, one across.
    private static torch.Tensor WindowMeans(torch.Tensor maps)
    {
        double[] line =
        [
            .. Enumerable.Range(-(Window / 2), Window).Select(x => Math.Exp(-x * x / (2 * Sigma * Sigma))),
        ];
        double sum = line.Sum();
        torch.Tensor weights = torch.tensor([.. line.Select(v => v / sum)], torch.float64, maps.device);
        torch.Tensor planes = maps.flatten(0, 2).unsqueeze(1);
        planes = torch.nn.functional.conv2d(planes, weights.view(1, 1, Window, 1));
        planes = torch.nn.functional.conv2d(planes, weights.view(1, 1, 1, Window));
        (long m, long b, long c) = (maps.shape[0], maps.shape[1], maps.shape[2]);
        return planes.view(m, b, c, planes.shape[2], planes.shape[3]);
    }
}
