using Coser.Training.Degradation;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>One square view of a photo.</summary>
/// <param name="Sharp">[1,3,S,S], float32, [0,1].</param>
/// <param name="Lr">[1,3,S/scale,S/scale], the same view degraded; null: none was asked for.</param>
/// <param name="Mirrored">Left and right are swapped.</param>
public sealed record PhotoView(Tensor Sharp, Tensor? Lr, bool Mirrored);

/// <summary>Makes the views that diffusion models are trained on: squares of any size in the photo, shrunk to one size.</summary>
/// <param name="size">Side, pixels.</param>
/// <param name="degradation">Null: views are not degraded.</param>
public sealed class ViewMaker(int size, DegradationSettings? degradation)
{
    private readonly DegradationSettings? _degradation = degradation is null
        ? null
        : degradation with
        {
            GtSize = null,
        };
    private readonly SecondOrderDegradation _degrade = new();

    /// <summary>True for photos that are large enough.</summary>
    public bool Fits(int width, int height) => Math.Min(width, height) >= size;

    /// <summary>A view.</summary>
    /// <param name="photo">[3,H,W], uint8, no side below the view's.</param>
    /// <returns>In the caller's dispose scope.</returns>
    public PhotoView Make(Tensor photo, IDegradationDraws draws)
    {
        using var scope = NewDisposeScope();
        int longest = (int)Math.Min(photo.shape[1], photo.shape[2]);
        int side = (int)Math.Round(size * Math.Pow(longest / (double)size, draws.Random()));
        Tensor crop = photo
            .narrow(1, draws.RandInt(0, (int)photo.shape[1] - side), side)
            .narrow(2, draws.RandInt(0, (int)photo.shape[2] - side), side);
        bool mirrored = draws.Random() < 0.5;
        Tensor sharp = Resized(Pixels(mirrored ? crop.flip(2) : crop));
        return Finish(sharp, mirrored, draws);
    }

    /// <summary>The middle of a photo, for validation.</summary>
    /// <inheritdoc cref="Make"/>
    public PhotoView Middle(Tensor photo, IDegradationDraws draws)
    {
        using var scope = NewDisposeScope();
        long side = Math.Min(photo.shape[1], photo.shape[2]);
        Tensor crop = photo.narrow(1, (photo.shape[1] - side) / 2, side).narrow(2, (photo.shape[2] - side) / 2, side);
        return Finish(Resized(Pixels(crop)), mirrored: false, draws);
    }

    private PhotoView Finish(Tensor sharp, bool mirrored, IDegradationDraws draws)
    {
        if (_degradation is null)
            return new PhotoView(sharp.MoveToOuterDisposeScope(), null, mirrored);
        (Tensor lr, Tensor hr) = _degrade.Degrade(sharp, draws, _degradation);
        return new PhotoView(hr.MoveToOuterDisposeScope(), lr.MoveToOuterDisposeScope(), mirrored);
    }

    // [3,h,w] uint8 -> [1,3,h,w], [0,1]
    private static Tensor Pixels(Tensor crop) => crop.to(float32).div(255).unsqueeze(0);

    private Tensor Resized(Tensor image) =>
        image.shape[2] == size
            ? image
            : nn
                .functional.interpolate(
                    image,
                    [size, size],
                    mode: InterpolationMode.Bicubic,
                    align_corners: false,
                    antialias: true
                )
                .clamp(0, 1);
}
