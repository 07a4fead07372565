using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics;

/// <summary>
/// Haar wavelet-based perceptual similarity (Reisenhofer, Bosse, Kutyniok and Wiegand, Signal Processing: Image
/// Communication 2018), in colour: of the indices without weights one of the closest to people's judgement. 1 for equal
/// images. Constants C = 30 and alpha = 4.2, with the authors' subsampling by 2.
/// </summary>
public static class HaarPsi
{
    private const double C = 30;
    private const double Alpha = 4.2;
    private static readonly double[] Y = [0.299, 0.587, 0.114];
    private static readonly double[] I = [0.596, -0.274, -0.322];
    private static readonly double[] Q = [0.211, -0.523, 0.312];
    private static readonly TensorIndex Every2 = TensorIndex.Slice(null, null, 2);

    /// <summary>HaarPSI of each pair of images.</summary>
    /// <param name="a">[B,3,H,W] RGB: floating point in [0,1], or uint8; sides at least 16.</param>
    /// <param name="b">The other images, of the same shape.</param>
    /// <returns>B values in [0,1].</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a side is too short.</exception>
    public static double[] PerImage(Tensor a, Tensor b)
    {
        ImageInput.RequirePair(a, b, 16, "HaarPSI");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (Tensor levelsA, Tensor levelsB) = (ImageInput.Levels(a), ImageInput.Levels(b));
        (Tensor yA, Tensor yB) = (Half(levelsA, Y), Half(levelsB, Y));
        (Tensor downSimilarity, Tensor downWeight) = Edges(yA, yB, across: false);
        (Tensor acrossSimilarity, Tensor acrossWeight) = Edges(yA, yB, across: true);
        Tensor colour = (Chroma(levelsA, levelsB, I) + Chroma(levelsA, levelsB, Q)) / 2;
        Tensor similarities = cat([downSimilarity, acrossSimilarity, colour], 1); // [B,3,h,w]
        Tensor weights = cat([downWeight, acrossWeight, (downWeight + acrossWeight) / 2], 1);
        Tensor mean = (sigmoid(similarities * Alpha) * weights).sum([1, 2, 3]) / weights.sum([1, 2, 3]);
        Tensor result = ((mean / (1 - mean)).log() / Alpha).square();
        // Two images without any edge: nothing differs that this index sees.
        return [.. ImageInput.Numbers(result).Select(v => double.IsNaN(v) ? 1 : v)];
    }

    /// <summary>Mean over a batch of <see cref="PerImage"/>.</summary>
    /// <inheritdoc cref="PerImage"/>
    public static double Compute(Tensor a, Tensor b) => PerImage(a, b).Average();

    // Similarity at the two finest scales, weight from the third.
    private static (Tensor Similarity, Tensor Weight) Edges(Tensor a, Tensor b, bool across)
    {
        Tensor similarity = zeros_like(a);
        for (int scale = 1; scale <= 2; scale++)
            similarity += Similar(Wavelet(a, scale, across), Wavelet(b, scale, across)) / 2;
        return (similarity, maximum(Wavelet(a, 3, across), Wavelet(b, 3, across)));
    }

    private static Tensor Chroma(Tensor a, Tensor b, double[] weights)
    {
        Tensor mean = full([1, 1, 2, 2], 0.25, float64, a.device);
        return Similar(
            MatlabConvolution.Same(Half(a, weights), mean).abs(),
            MatlabConvolution.Same(Half(b, weights), mean).abs()
        );
    }

    private static Tensor Similar(Tensor a, Tensor b) => (2 * a * b + C) / (a * a + b * b + C);

    private static Tensor Half(Tensor levels, double[] weights)
    {
        Tensor mean = full([1, 1, 2, 2], 0.25, float64, levels.device);
        return MatlabConvolution.Same(ImageInput.Mix(levels, weights), mean)[.., .., Every2, Every2];
    }

    private static Tensor Wavelet(Tensor plane, int scale, bool across)
    {
        int side = 1 << scale;
        Tensor filter = full([1, 1, side, side], 1.0 / side, float64, plane.device);
        filter.narrow(2, 0, side / 2).neg_();
        return MatlabConvolution.Same(plane, across ? filter.transpose(2, 3) : filter).abs();
    }
}
