using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics;

/// <summary>
/// Sharpness relative to the truth: the ratio of the two images' gradient energies (mean squared differences of neighbouring
/// luma values). Below 1 the result is softer than the photo, above 1 it is harder or noisier. A mean-squared error rewards
/// blur; this figure shows it.
/// </summary>
public static class Sharpness
{
    /// <summary>The ratio of each pair.</summary>
    /// <param name="restored">[B,3,H,W] RGB: floating point in [0,1], or uint8; sides at least 2.</param>
    /// <param name="truth">The true images, of the same shape.</param>
    /// <returns>B values, not negative; 1 where both are flat, infinite where only the truth is.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a side is too short.</exception>
    public static double[] PerImage(Tensor restored, Tensor truth)
    {
        ImageInput.RequirePair(restored, truth, 2, "sharpness");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        double[] mine = ImageInput.Numbers(Energy(restored));
        double[] theirs = ImageInput.Numbers(Energy(truth));
        return [.. mine.Zip(theirs, (m, t) => m == t ? 1 : m / t)];
    }

    /// <summary>Mean over a batch of <see cref="PerImage"/>.</summary>
    /// <inheritdoc cref="PerImage"/>
    public static double Compute(Tensor restored, Tensor truth) => PerImage(restored, truth).Average();

    private static Tensor Energy(Tensor image)
    {
        Tensor luma = ImageInput.Luma(ImageInput.Levels(image));
        return luma.diff(dim: 2).square().mean([1, 2, 3]) + luma.diff(dim: 3).square().mean([1, 2, 3]);
    }
}
