using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Sets;

/// <summary>
/// Frechet distance of two Gaussians, the last step of FID (Heusel et al., NeurIPS 2017):
/// |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2)). Lower is closer; 0 for equal sets but for rounding.
/// </summary>
public static class FrechetDistance
{
    /// <summary>
    /// The distance. The trace of the root is never taken of a product, whose root need not be real when sets are small:
    /// tr((S1 S2)^(1/2)) is the sum of the singular values of S1^(1/2) S2^(1/2), and, where there are fewer vectors than
    /// dimensions, of the matrix of inner products of the centred vectors, which is small and exact.
    /// </summary>
    /// <exception cref="ArgumentException">The sets have features of different sizes.</exception>
    public static double Compute(FeatureStatistics first, FeatureStatistics second)
    {
        if (first.Mean.numel() != second.Mean.numel())
            throw new ArgumentException("the sets' features differ in size", nameof(second));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        double means = (first.Mean - second.Mean).square().sum().item<double>();
        double traces = first.Covariance.trace().item<double>() + second.Covariance.trace().item<double>();
        return means + traces - 2 * RootTrace(first, second);
    }

    private static double RootTrace(FeatureStatistics first, FeatureStatistics second)
    {
        long size = first.Mean.numel();
        if (first.Centred is { } a && second.Centred is { } b && Math.Min(first.Count, second.Count) < size)
        {
            double factor = Math.Sqrt((first.Count - 1.0) * (second.Count - 1.0));
            return linalg.svdvals(matmul(a, b.t())).sum().item<double>() / factor;
        }
        return linalg.svdvals(matmul(Root(first.Covariance), Root(second.Covariance))).sum().item<double>();
    }

    // Symmetric and not negative: by its eigenvectors, eigenvalues below 0 being rounding.
    private static Tensor Root(Tensor covariance)
    {
        (Tensor values, Tensor vectors) = linalg.eigh((covariance + covariance.t()) / 2);
        return matmul(vectors * values.clamp(min: 0).sqrt(), vectors.t());
    }
}
