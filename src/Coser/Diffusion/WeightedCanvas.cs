using static TorchSharp.torch;

namespace Coser.Diffusion;

/// <summary>A canvas that overlapping tiles are added to, each with weights; in the end every place is their weighted mean.</summary>
internal sealed class WeightedCanvas
{
    private readonly Tensor _sum;
    private readonly Tensor _share;

    /// <param name="shape">[B,C,h,w]. The tensors belong to the dispose scope of the caller.</param>
    public WeightedCanvas(ReadOnlySpan<long> shape, Device device)
    {
        _sum = zeros(shape, dtype: float64, device: device);
        _share = zeros([1, 1, shape[2], shape[3]], dtype: float64, device: device);
    }

    /// <param name="values">[B,C,tile height,tile width].</param>
    /// <param name="weights">[tile height,tile width], float64, above 0.</param>
    public void Add(LatentTile tile, Tensor values, Tensor weights)
    {
        using var scope = NewDisposeScope();
        tile.Of(_sum).add_(values * weights);
        tile.Of(_share).add_(weights);
    }

    /// <summary>[B,C,h,w]; NaN where no tile was.</summary>
    public Tensor Average(ScalarType type)
    {
        using var scope = NewDisposeScope();
        return (_sum / _share).to(type).MoveToOuterDisposeScope();
    }
}
