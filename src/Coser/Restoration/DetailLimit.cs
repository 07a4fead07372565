using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// The most detail a result may add to its photo, place by place: <c>ratio</c> times as strong as what the enlarged photo has there,
/// plus <c>floor</c>. Where a decoder was taught badly it paints the same grain on a clear sky as on a lawn; a photo's textures are
/// seldom much stronger than what is left of them after the damage, so that what goes beyond is taken for such grain and made fainter.
/// </summary>
/// <param name="Ratio">Of root mean squares, at least 0; docs/coser-mini.md tells how coser-mini's was chosen.</param>
/// <param name="Floor">In [0,1], at least 0: what may be added to a surface without any detail.</param>
public sealed record DetailLimit([property: JsonRequired] double Ratio, [property: JsonRequired] double Floor)
{
    private const long Block = 16;
    private const double Eps = 1e-6;

    /// <summary>Makes what was added fainter where it is beyond the limit.</summary>
    /// <param name="photo">The enlarged photo [B,C,H,W].</param>
    /// <param name="photoDetail">Its high frequencies, [B,C,H,W] or [B,1,H,W] of its grey.</param>
    /// <param name="added">High frequencies of the result beyond the photo's, [B,C,H,W].</param>
    /// <returns>[B,C,H,W]: the photo and as much of what was added as may be.</returns>
    public Tensor Apply(Tensor photo, Tensor photoDetail, Tensor added)
    {
        using var scope = NewDisposeScope();
        Tensor share = ((Strength(photoDetail) * Ratio + Floor) / (Strength(added) + Eps)).clamp(max: 1.0);
        Tensor gain = nn.functional.interpolate(
            share,
            size: [photo.shape[2], photo.shape[3]],
            mode: InterpolationMode.Bilinear,
            align_corners: false
        );
        return (photo + added * gain).MoveToOuterDisposeScope();
    }

    // [B,1,H/16,W/16]: root mean square of the grey in blocks, each with those around it, so that no block shows.
    private static Tensor Strength(Tensor detail)
    {
        Tensor grey = detail.mean([1], keepdim: true);
        Tensor blocks = nn.functional.avg_pool2d(grey.square(), Block, ceil_mode: true, count_include_pad: false);
        return nn.functional.avg_pool2d(blocks, 3, stride: 1, padding: 1, count_include_pad: false).sqrt();
    }
}
