using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Features;

/// <summary>
/// How far two photos are apart in a network's maps, in the manner of LPIPS (Zhang et al., CVPR 2018): at each place the
/// channels are scaled to length 1, squared differences are summed over channels and averaged over places and levels.
/// </summary>
public static class FeatureDistance
{
    private static readonly Scalar Tiny = 1e-6.ToScalar();

    /// <summary>The distance of a batch, with gradients to both sides.</summary>
    /// <param name="first">Maps of <see cref="FeatureNetwork.Maps"/>, [B,C,H,W] each.</param>
    /// <param name="second">The same shapes.</param>
    /// <returns>Scalar, float32, 0 to 2.</returns>
    public static Tensor Compute(IReadOnlyList<Tensor> first, IReadOnlyList<Tensor> second)
    {
        using var scope = NewDisposeScope();
        Tensor[] levels = [.. first.Zip(second, Level)];
        return stack(levels).mean().MoveToOuterDisposeScope();
    }

    private static Tensor Level(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        Tensor difference = Unit(first.to(float32)) - Unit(second.to(float32));
        return difference.square().sum(1).mean().MoveToOuterDisposeScope();
    }

    private static Tensor Unit(Tensor maps) => maps / maps.square().sum(1, keepdim: true).add(Tiny).sqrt();
}
