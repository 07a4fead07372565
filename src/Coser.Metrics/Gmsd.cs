using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics;

/// <summary>
/// Gradient magnitude similarity deviation (Xue, Zhang, Mou and Bovik, IEEE TIP 2014): how unevenly edges were kept. 0 for
/// equal images, higher is worse. On luma 0-255 after a 2x2 mean and every second pixel, Prewitt gradients, zeros beyond the
/// edges, T = 170, as in the authors' code.
/// </summary>
public static class Gmsd
{
    private const double T = 170;

    /// <summary>GMSD of each pair of images.</summary>
    /// <param name="a">[B,3,H,W] RGB: floating point in [0,1], or uint8; sides at least 6.</param>
    /// <param name="b">The other images, of the same shape.</param>
    /// <returns>B values, not negative.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a side is too short.</exception>
    public static double[] PerImage(Tensor a, Tensor b)
    {
        ImageInput.RequirePair(a, b, 6, "GMSD");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (Tensor first, Tensor second) = (Gradients(a), Gradients(b));
        Tensor similarity = (2 * (first * second).sqrt() + T) / (first + second + T);
        return ImageInput.Numbers(similarity.flatten(1).std(1, unbiased: true));
    }

    /// <summary>Mean over a batch of <see cref="PerImage"/>.</summary>
    /// <inheritdoc cref="PerImage"/>
    public static double Compute(Tensor a, Tensor b) => PerImage(a, b).Average();

    // [B,1,H/2,W/2]: squared magnitudes.
    private static Tensor Gradients(Tensor image)
    {
        Tensor luma = MatlabConvolution.Same(
            ImageInput.Luma(ImageInput.Levels(image)),
            full([1, 1, 2, 2], 0.25, float64, image.device)
        );
        luma = luma[.., .., Every2, Every2];
        Tensor across = tensor([1.0 / 3, 0, -1.0 / 3], float64, image.device).view(1, 1, 1, 3).expand(1, 1, 3, 3);
        Tensor x = nn.functional.conv2d(luma, across, padding: [1, 1]);
        Tensor y = nn.functional.conv2d(luma, across.transpose(2, 3), padding: [1, 1]);
        return x * x + y * y;
    }

    private static readonly TensorIndex Every2 = TensorIndex.Slice(null, null, 2);
}
