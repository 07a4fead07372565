using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Autoencoder;

/// <summary>The diagonal normal distribution an encoder gives for a photo's latent.</summary>
public sealed class LatentDistribution : IDisposable
{
    // Bounds of latent diffusion: beyond them exp() is useless.
    private static readonly Scalar Lowest = (-30.0).ToScalar();
    private static readonly Scalar Highest = 20.0.ToScalar();
    private static readonly Scalar Half = 0.5.ToScalar();

    /// <param name="moments">[B,2*C,h,w]: means, then logarithms of variances.</param>
    public LatentDistribution(Tensor moments)
    {
        using var scope = NewDisposeScope();
        Tensor[] parts = moments.chunk(2, dim: 1);
        Mean = parts[0].MoveToOuterDisposeScope();
        LogVar = parts[1].clamp(Lowest, Highest).MoveToOuterDisposeScope();
    }

    /// <summary>Means [B,C,h,w].</summary>
    public Tensor Mean { get; }

    /// <summary>Logarithms of the variances [B,C,h,w], -30 to 20.</summary>
    public Tensor LogVar { get; }

    /// <summary>The most probable latent: the mean, [B,C,h,w].</summary>
    public Tensor Mode() => Mean.alias();

    /// <summary>Standard deviations [B,C,h,w].</summary>
    public Tensor Std()
    {
        using var scope = NewDisposeScope();
        return LogVar.mul(Half).exp().MoveToOuterDisposeScope();
    }

    /// <summary>A latent drawn with the given noise.</summary>
    /// <param name="noise">Standard normal, [B,C,h,w].</param>
    public Tensor Sample(Tensor noise)
    {
        using var scope = NewDisposeScope();
        return (Mean + Std() * noise).MoveToOuterDisposeScope();
    }

    /// <summary>Kullback-Leibler divergence from the standard normal, summed over a photo's latent.</summary>
    /// <returns>[B], float32.</returns>
    public Tensor Kl()
    {
        using var scope = NewDisposeScope();
        Tensor mean = Mean.to(float32);
        Tensor logVar = LogVar.to(float32);
        return (mean.square() + logVar.exp() - 1 - logVar).sum([1, 2, 3]).mul(Half).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Mean.Dispose();
        LogVar.Dispose();
    }
}
