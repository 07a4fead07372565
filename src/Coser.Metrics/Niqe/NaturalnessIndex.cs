using Coser.Metrics.Sets;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Niqe;

/// <summary>
/// NIQE (Mittal, Soundararajan and Bovik, IEEE SPL 2013): how far an image's local statistics are from those of pristine
/// photos, without a reference. Lower is more natural. Figures depend on the prior, which a report must name
/// (<see cref="NiqePrior"/>).
/// </summary>
public static class NaturalnessIndex
{
    /// <summary>NIQE of each image.</summary>
    /// <param name="images">[B,3,H,W] RGB: floating point in [0,1], or uint8; at least two whole blocks within the border.</param>
    /// <param name="prior">What pristine photos look like.</param>
    /// <param name="border">Pixels left out along each edge.</param>
    /// <returns>B values; NaN for an image whose every block but one is flat.</returns>
    /// <exception cref="ArgumentException">Fewer than two whole blocks fit.</exception>
    public static double[] PerImage(Tensor images, NiqePrior prior, int border = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(border);
        ImageInput.Require(images, prior.Block + 2 * border, "NIQE");
        (long h, long w) = (images.shape[2] - 2 * border, images.shape[3] - 2 * border);
        if (h / prior.Block * (w / prior.Block) < 2)
            throw new ArgumentException($"NIQE needs two blocks of {prior.Block} pixels", nameof(images));
        return
        [
            .. Enumerable
                .Range(0, (int)images.shape[0])
                .Select(i =>
                    Compare(NiqeFeatures.Of(Plane(images, i, border), prior.Block, prior.Window).Features, prior)
                ),
        ];
    }

    /// <summary>
    /// NIQE of a whole set: one Gaussian over the blocks of all its images. Small images have too few blocks for a covariance
    /// of their own, which makes the mean of their figures say little.
    /// </summary>
    /// <param name="blocks">Of all images' <see cref="Blocks"/>.</param>
    /// <param name="prior">What pristine photos look like.</param>
    public static double OfSet(FeatureStatistics blocks, NiqePrior prior)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return Distance(blocks.Mean, blocks.Covariance, prior);
    }

    /// <summary>The features of an image's whole blocks, flat ones left out.</summary>
    /// <param name="image">[1,3,H,W], as for <see cref="PerImage"/>.</param>
    /// <param name="prior">Whose blocks and windows.</param>
    /// <param name="border">Pixels left out along each edge.</param>
    /// <returns>[N,36], float64; N is 0 where no block fits.</returns>
    public static Tensor Blocks(Tensor image, NiqePrior prior, int border = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(border);
        ImageInput.Require(image, 1, "NIQE");
        if (Math.Min(image.shape[2], image.shape[3]) < prior.Block + 2 * border)
            return zeros([0, NiqeFeatures.Count], float64);
        double[][] features = NiqeFeatures.Of(Plane(image, 0, border), prior.Block, prior.Window).Features;
        return Matrix([.. features.Where(f => !f.Any(double.IsNaN))]);
    }

    /// <summary>Y of BT.601 in studio range, 0-255, rounded.</summary>
    internal static NiqePlane Plane(Tensor images, int index, int border)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor levels = ImageInput.Levels(images.narrow(0, index, 1).cpu());
        Tensor y = PixelMetric.ToY(levels, round: true).to(float32)[0, 0];
        y = y.narrow(0, border, y.shape[0] - 2 * border).narrow(1, border, y.shape[1] - 2 * border).contiguous();
        return new NiqePlane((int)y.shape[0], (int)y.shape[1], [.. y.data<float>()]);
    }

    /// <summary>Equation 10: the distance of two Gaussians' means under their mean covariance.</summary>
    internal static double Compare(double[][] features, NiqePrior prior)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        double[][] whole = [.. features.Where(f => !f.Any(double.IsNaN))];
        if (whole.Length < 2)
            return double.NaN;
        Tensor rows = Matrix(whole);
        Tensor centred = rows - rows.mean([0]);
        Tensor covariance = matmul(centred.t(), centred) / (whole.Length - 1);
        double[] mean =
        [
            .. Enumerable
                .Range(0, NiqeFeatures.Count)
                .Select(i => features.Select(f => f[i]).Where(v => !double.IsNaN(v)).Average()),
        ];
        return Distance(tensor(mean, float64), covariance, prior);
    }

    private static double Distance(Tensor mean, Tensor covariance, NiqePrior prior)
    {
        Tensor difference = mean - tensor(prior.Mean, float64);
        Tensor joint =
            (tensor(prior.Covariance, float64).view(NiqeFeatures.Count, NiqeFeatures.Count) + covariance) / 2;
        (Tensor values, Tensor vectors) = linalg.eigh(joint);
        // The pseudo-inverse: directions without variance do not count.
        Tensor seen = values > values.max() * 1e-15;
        Tensor inverse = where(seen, 1 / values, zeros_like(values));
        Tensor along = matmul(vectors.t(), difference);
        return Math.Sqrt((along * along * inverse).sum().item<double>());
    }

    internal static Tensor Matrix(double[][] rows) =>
        tensor([.. rows.SelectMany(r => r)], float64).view(rows.Length, NiqeFeatures.Count);
}
