using Coser.Diffusion;
using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// Where the reference was used: what its one-hot attention added (section 3.3 of the paper), averaged over steps, tiles and
/// super-tiles. Says how strongly the network looked, not whether it did well.
/// </summary>
public sealed class ReferenceUse : IDisposable
{
    // The share of places that may be brighter than the brightest colour.
    private const double Clipped = 0.005;

    // Dark to bright, even steps for the eye, and in grey still in order.
    private static readonly float[,] _colours =
    {
        { 0.02f, 0.03f, 0.12f },
        { 0.21f, 0.07f, 0.38f },
        { 0.50f, 0.12f, 0.42f },
        { 0.78f, 0.24f, 0.28f },
        { 0.95f, 0.51f, 0.15f },
        { 0.99f, 0.95f, 0.62f },
    };

    private readonly Tensor _sum;
    private readonly Tensor _count;
    private int _left;
    private int _top;

    /// <param name="height">Of the whole photo's latent.</param>
    /// <param name="width">Of the whole photo's latent.</param>
    public ReferenceUse(long height, long width)
    {
        _sum = zeros(1, 1, height, width).DetachFromDisposeScope();
        _count = zeros(1, 1, height, width).DetachFromDisposeScope();
    }

    /// <summary>What is added from here on lies at this place of the photo's latent.</summary>
    public void MoveTo(int left, int top) => (_left, _top) = (left, top);

    /// <param name="tiles">Where the strengths belong, counted from the place of <see cref="MoveTo"/>.</param>
    /// <param name="strength">[tiles,1,h,w].</param>
    public void Add(IReadOnlyList<LatentTile> tiles, Tensor strength)
    {
        using var scope = NewDisposeScope();
        Tensor values = strength.to(float32).cpu();
        foreach ((int i, LatentTile tile) in tiles.Index())
        {
            // What lies beyond the photo's edge was there for the networks only.
            int width = (int)Math.Min(tile.Width, _sum.shape[3] - _left - tile.Left);
            int height = (int)Math.Min(tile.Height, _sum.shape[2] - _top - tile.Top);
            if (width <= 0 || height <= 0)
                continue;
            var place = new LatentTile(_left + tile.Left, _top + tile.Top, width, height);
            place.Of(_sum).add_(values.narrow(0, i, 1).narrow(2, 0, height).narrow(3, 0, width));
            place.Of(_count).add_(1);
        }
    }

    /// <summary>The mean strength, [1,1,h,w], at least 0; null: there was nothing to see.</summary>
    public Tensor? Mean()
    {
        using var scope = NewDisposeScope();
        if (_count.max().item<float>() == 0)
            return null;
        return (_sum / _count.clamp_min(1)).MoveToOuterDisposeScope();
    }

    /// <summary>A heat map, dark where the reference added nothing, bright where it added most for this photo.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <returns>Null: there was nothing to see.</returns>
    public Photo? ToPhoto(int width, int height)
    {
        using var scope = NewDisposeScope();
        if (Mean() is not { } mean)
            return null;
        double most = mean.flatten().quantile(tensor((float)(1 - Clipped))).item<float>();
        Tensor level = nn
            .functional.interpolate(
                mean / Math.Max(most, 1e-12),
                [height, width],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            )
            .clamp(0, 1);
        return Photo.FromPixels(Colour(level));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sum.Dispose();
        _count.Dispose();
    }

    // [1,1,h,w] in [0,1] -> [1,3,h,w]
    private static Tensor Colour(Tensor level)
    {
        int last = _colours.GetLength(0) - 1;
        Tensor table = tensor(_colours).t(); // [3,colours]
        Tensor place = level * last;
        Tensor from = place.floor().clamp(0, last - 1);
        Tensor share = place - from;
        long[] shape = [1, 3, level.shape[2], level.shape[3]];
        Tensor index = from.to(int64).flatten();
        Tensor low = table.index_select(1, index).reshape(shape);
        Tensor high = table.index_select(1, index + 1).reshape(shape);
        return low + (high - low) * share;
    }
}
