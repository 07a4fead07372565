using Coser.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Sets;

/// <summary>Mean and covariance of a set's feature vectors, in float64 on the CPU: all that the Frechet distance needs.</summary>
public sealed class FeatureStatistics : IDisposable
{
    private FeatureStatistics(Tensor mean, Tensor covariance, long count, Tensor? centred) =>
        (Mean, Covariance, Count, Centred) = (mean, covariance, count, centred);

    /// <summary>[D].</summary>
    public Tensor Mean { get; }

    /// <summary>[D,D], unbiased (divided by count - 1).</summary>
    public Tensor Covariance { get; }

    /// <summary>Number of vectors.</summary>
    public long Count { get; }

    /// <summary>[N,D] without their mean, where the vectors are known.</summary>
    internal Tensor? Centred { get; }

    /// <summary>Of vectors.</summary>
    /// <param name="features">[N,D], N at least 2, any floating-point type.</param>
    /// <exception cref="ArgumentException">It has another shape, or values that are not numbers.</exception>
    public static FeatureStatistics Of(Tensor features)
    {
        if (features.dim() != 2 || features.shape[0] < 2)
            throw new ArgumentException("a set has at least two vectors, [N,D]", nameof(features));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor all = features.to(float64).cpu();
        if (!all.isfinite().all().item<bool>())
            throw new ArgumentException("some features are not numbers", nameof(features));
        Tensor mean = all.mean([0]);
        Tensor centred = all - mean;
        Tensor covariance = matmul(centred.t(), centred) / (all.shape[0] - 1);
        return new FeatureStatistics(
            mean.DetachFromDisposeScope(),
            covariance.DetachFromDisposeScope(),
            all.shape[0],
            centred.DetachFromDisposeScope()
        );
    }

    /// <summary>Of a published mean and covariance.</summary>
    /// <param name="mean">[D].</param>
    /// <param name="covariance">[D,D].</param>
    /// <param name="count">Vectors behind them; 0: unknown.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static FeatureStatistics Of(Tensor mean, Tensor covariance, long count)
    {
        long size = mean.numel();
        if (covariance.dim() != 2 || covariance.shape[0] != size || covariance.shape[1] != size)
            throw new ArgumentException("mean and covariance do not fit each other", nameof(covariance));
        using var scope = NewDisposeScope();
        return new FeatureStatistics(
            mean.to(float64, CPU, copy: true).reshape(-1).DetachFromDisposeScope(),
            covariance.to(float64, CPU, copy: true).DetachFromDisposeScope(),
            count,
            null
        );
    }

    /// <summary>Writes mean, covariance and count (safetensors).</summary>
    public void Save(string path)
    {
        using Tensor count = tensor([Count]);
        SafetensorsWriter.Write(
            path,
            new Dictionary<string, Tensor>(StringComparer.Ordinal)
            {
                ["mean"] = Mean,
                ["covariance"] = Covariance,
                ["count"] = count,
            }
        );
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="CheckpointException">The file is missing or damaged, or holds something else.</exception>
    public static FeatureStatistics Load(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (!new[] { "mean", "covariance", "count" }.All(file.Entries.ContainsKey))
            throw new CheckpointException(path, "it holds no feature statistics");
        using var scope = NewDisposeScope();
        return Of(file.Read("mean"), file.Read("covariance"), file.Read("count").item<long>());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Mean.Dispose();
        Covariance.Dispose();
        Centred?.Dispose();
    }
}
