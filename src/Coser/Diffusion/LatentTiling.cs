using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Diffusion;

/// <summary>One tile of a latent.</summary>
public readonly record struct LatentTile(int Left, int Top, int Width, int Height)
{
    /// <summary>The tile's part of a canvas [B,C,h,w], a view.</summary>
    public Tensor Of(Tensor canvas)
    {
        using Tensor rows = canvas.narrow(2, Top, Height);
        return rows.narrow(3, Left, Width);
    }

    /// <summary>The parts of several tiles of equal size, [n,C,h,w].</summary>
    /// <param name="canvas">[1,C,h,w].</param>
    public static Tensor Stack(Tensor canvas, IReadOnlyList<LatentTile> tiles)
    {
        using var scope = NewDisposeScope();
        return cat([.. tiles.Select(t => t.Of(canvas))]).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// A latent larger than the network's training size, as overlapping tiles of that size. Every prediction is made tile by
/// tile and blended with Gaussian weights, so that no tile is finished before the others (StableSR's aggregation sampling:
/// Wang et al., IJCV 2024, section 3.4).
/// </summary>
/// <param name="Size">Side of a tile.</param>
/// <param name="Overlap">What neighbours share, below <paramref name="Size"/>.</param>
/// <param name="Batch">Tiles that are predicted together: small ones run faster in company.</param>
public sealed record LatentTiling(int Size, int Overlap, int Batch = 1)
{
    // Of the Gaussian, for a tile of width 1.
    private const double Variance = 0.01;

    /// <summary>The tiles of a canvas, row by row; a canvas smaller than a tile has one of its own size.</summary>
    public IReadOnlyList<LatentTile> Tiles(long height, long width)
    {
        int tileHeight = (int)Math.Min(Size, height);
        int tileWidth = (int)Math.Min(Size, width);
        return
        [
            .. Starts((int)height, Size, Size - Overlap)
                .SelectMany(top =>
                    Starts((int)width, Size, Size - Overlap)
                        .Select(left => new LatentTile(left, top, tileWidth, tileHeight))
                ),
        ];
    }

    /// <summary>A prediction for the whole canvas from predictions for its tiles.</summary>
    /// <param name="canvas">[1,C,h,w].</param>
    /// <param name="predict">Predicts up to <see cref="Batch"/> tiles, [n,C,Size,Size]: their parts of the canvas are given.</param>
    /// <returns>[1,C,h,w] in the canvas's type.</returns>
    public Tensor Blend(Tensor canvas, Func<Tensor, IReadOnlyList<LatentTile>, Tensor> predict)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<LatentTile> tiles = Tiles(canvas.shape[2], canvas.shape[3]);
        if (tiles.Count == 1)
            return predict(canvas, tiles).MoveToOuterDisposeScope();
        Tensor weights = GaussianWeights(tiles[0].Width, tiles[0].Height).to(canvas.device);
        var average = new WeightedCanvas(canvas.shape, canvas.device);
        foreach (LatentTile[] batch in tiles.Chunk(Batch))
        {
            using var inner = NewDisposeScope();
            Tensor predicted = predict(LatentTile.Stack(canvas, batch), batch);
            foreach ((int i, LatentTile tile) in batch.Index())
                average.Add(tile, predicted.narrow(0, i, 1), weights);
        }
        return average.Average(canvas.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The weights of a tile, [height,width], float64. The vertical middle is height / 2, the horizontal one (width - 1) /
    /// 2: a quirk of the reference implementation, kept.
    /// </summary>
    public static Tensor GaussianWeights(int width, int height)
    {
        using var scope = NewDisposeScope();
        Tensor down = Bell(height, height / 2.0);
        Tensor across = Bell(width, (width - 1) / 2.0);
        return outer(down, across).MoveToOuterDisposeScope();

        static Tensor Bell(int length, double middle)
        {
            using var inner = NewDisposeScope();
            Tensor distance = (arange(length, dtype: float64) - middle) / length;
            return (distance.square() / (-2 * Variance))
                .exp()
                .div(Math.Sqrt(2 * Math.PI * Variance))
                .MoveToOuterDisposeScope();
        }
    }

    /// <summary>Where tiles start along one side: every <paramref name="stride"/>, the last pushed back to the border.</summary>
    public static IReadOnlyList<int> Starts(int length, int size, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        if (length <= size)
            return [0];
        int count = (length - size - 1) / stride + 2;
        return [.. Enumerable.Range(0, count).Select(i => Math.Min(i * stride, length - size))];
    }
}
