using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>How an LR photo is enlarged before it is encoded.</summary>
public static class Enlargement
{
    /// <summary>Bicubic enlargement (a = -0.75, half-pixel centres) as in the reference implementation, clamped.</summary>
    /// <param name="lr">[B,3,h,w], [0,1].</param>
    /// <returns>[B,3,scale*h,scale*w], [0,1].</returns>
    public static Tensor Bicubic(Tensor lr, int scale)
    {
        using var scope = NewDisposeScope();
        return nn
            .functional.interpolate(
                lr,
                size: [lr.shape[2] * scale, lr.shape[3] * scale],
                mode: InterpolationMode.Bicubic,
                align_corners: false
            )
            .clamp(0, 1)
            .MoveToOuterDisposeScope();
    }
}
