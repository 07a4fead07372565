using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics;

/// <summary>
/// Multi-scale structural similarity (Wang, Simoncelli and Bovik, Asilomar 2003): contrast and structure at five scales,
/// luminance at the coarsest, each to its power; scales are halved by 2x2 means. 1 for equal images, 0 where structures
/// oppose each other.
/// </summary>
public static class MsSsim
{
    /// <summary>The shortest side that leaves a window of 11 at the fifth scale.</summary>
    public const int SmallestSide = 11 << 4;

    private static readonly double[] Powers = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

    /// <summary>MS-SSIM of each pair of images.</summary>
    /// <param name="a">[B,3,H,W] RGB: floating point in [0,1], or uint8; sides at least <see cref="SmallestSide"/>.</param>
    /// <param name="b">The other images, of the same shape.</param>
    /// <param name="options">RGB (channels averaged) without border when null.</param>
    /// <returns>B values in [0,1].</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a side is too short.</exception>
    public static double[] PerImage(Tensor a, Tensor b, PixelMetricOptions? options = null)
    {
        options ??= new();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (a, b) = PixelMetric.Prepare(a, b, options);
        if (Math.Min(a.shape[2], a.shape[3]) < SmallestSide)
            throw new ArgumentException($"MS-SSIM needs {SmallestSide} pixels within the border", nameof(a));
        Tensor product = ones([a.shape[0], a.shape[1]], float64, a.device);
        for (int scale = 0; scale < Powers.Length; scale++)
        {
            (Tensor luminance, Tensor structure) = Ssim.Maps(a, b);
            bool last = scale == Powers.Length - 1;
            Tensor term = (last ? luminance * structure : structure).mean([2, 3]); // [B,C]
            product *= term.clamp(min: 0).pow(Powers[scale]);
            if (last)
                break;
            (a, b) = (nn.functional.avg_pool2d(a, 2), nn.functional.avg_pool2d(b, 2));
        }
        return ImageInput.Numbers(product.mean([1]));
    }

    /// <summary>Mean over a batch of <see cref="PerImage"/>.</summary>
    /// <inheritdoc cref="PerImage"/>
    public static double Compute(Tensor a, Tensor b, PixelMetricOptions? options = null) =>
        PerImage(a, b, options).Average();
}
