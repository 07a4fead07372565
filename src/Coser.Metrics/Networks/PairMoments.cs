using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>
/// Means, variances and covariance of two stacks of maps, channel by channel, over parts that are given one after another.
/// Values are taken relative to the first part's means, so that the sums of squares lose nothing.
/// </summary>
/// <remarks>Its tensors belong to the dispose scope around the one in which parts are added.</remarks>
internal sealed class PairMoments
{
    private Tensor? _originA;
    private Tensor? _originB;
    private Tensor? _sums; // of a, b, a^2, b^2, ab: [5,B,C,1,1], float64
    private long _places;

    /// <param name="a">[B,C,h,w], float32; may be empty.</param>
    /// <param name="b">The same shape.</param>
    public void Add(Tensor a, Tensor b)
    {
        if (a.numel() == 0)
            return;
        using var scope = NewDisposeScope();
        _originA ??= Outside(a.mean([2, 3], keepdim: true));
        _originB ??= Outside(b.mean([2, 3], keepdim: true));
        (Tensor x, Tensor y) = (a - _originA, b - _originB);
        Tensor sums = stack([Sum(x), Sum(y), Sum(x.square()), Sum(y.square()), Sum(x * y)]);
        if (_sums is null)
            _sums = Outside(sums);
        else
            _sums.add_(sums);
        _places += a.shape[2] * a.shape[3];
    }

    /// <summary>[B,C,1,1] each, float64.</summary>
    public (Tensor A, Tensor B) Means() => (Moment(0) + _originA!, Moment(1) + _originB!);

    /// <summary>Variance of a, variance of b, covariance, [B,C,1,1] each, float64.</summary>
    public (Tensor A, Tensor B, Tensor Both) Spread() =>
        (Moment(2) - Moment(0).square(), Moment(3) - Moment(1).square(), Moment(4) - Moment(0) * Moment(1));

    private Tensor Moment(int index) => _sums![index] / _places;

    private static Tensor Sum(Tensor x) => x.sum([2, 3], keepdim: true, type: float64);

    // Out of this method's scope and out of the part's.
    private static Tensor Outside(Tensor x) => x.MoveToOuterDisposeScope().MoveToOuterDisposeScope();
}
