using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>
/// A large image in parts, for a stack of convolutions and poolings whose last map has a stride of 16 (VGG-16, AlexNet): each
/// part has around it what its places see, and starts on the stack's grid, so that its maps are those of the whole image.
/// </summary>
/// <param name="Side">Of a part without its surroundings, a multiple of 16. Images little larger are not cut.</param>
internal sealed record MapTiles(int Side)
{
    // VGG-16's last map sees 98 pixels around a place, with DISTS' poolings 105; AlexNet's 93.
    private const int Margin = 112;

    /// <summary>For images of usual memory: VGG-16's first map of a part then has 400 MB.</summary>
    public static MapTiles Usual { get; } = new(1024);

    /// <summary>The parts of an image [B,C,H,W], row by row.</summary>
    public IReadOnlyList<MapTile> Of(Tensor image)
    {
        (long height, long width) = (image.shape[2], image.shape[3]);
        bool whole = height * width <= 2L * Side * Side;
        return
        [
            .. Spans(height, whole)
                .SelectMany(rows => Spans(width, whole).Select(columns => new MapTile(rows, columns))),
        ];
    }

    private IEnumerable<MapSpan> Spans(long length, bool whole)
    {
        int side = whole ? (int)length : Side;
        for (int start = 0; start < length; start += side)
        {
            int from = Math.Max(0, start - Margin);
            int to = (int)Math.Min(length, (long)start + side + Margin);
            yield return new MapSpan(from, to - from, start - from, start + side >= length ? int.MaxValue : side);
        }
    }
}

/// <summary>One direction of a part: where it is read, and where in that it lies.</summary>
/// <param name="Inner">Its length; int.MaxValue: to the end.</param>
internal readonly record struct MapSpan(int From, int Length, int Before, int Inner)
{
    /// <summary>The places of a map that are the part's own.</summary>
    /// <param name="stride">Of the map.</param>
    public Tensor Of(Tensor map, int dimension, int stride)
    {
        long start = Math.Min(Before / stride, map.shape[dimension]);
        return map.narrow(dimension, start, Math.Min(Inner / stride, map.shape[dimension] - start));
    }
}

/// <summary>One part of an image.</summary>
internal readonly record struct MapTile(MapSpan Rows, MapSpan Columns)
{
    /// <summary>The part with its surroundings, a view.</summary>
    public Tensor Read(Tensor image)
    {
        using Tensor rows = image.narrow(2, Rows.From, Rows.Length);
        return rows.narrow(3, Columns.From, Columns.Length);
    }

    /// <summary>Its own places in a map of what was read, a view; may be empty.</summary>
    /// <param name="stride">Of the map: 1, 2, 4, 8 or 16.</param>
    public Tensor Of(Tensor map, int stride)
    {
        using Tensor rows = Rows.Of(map, 2, stride);
        return Columns.Of(rows, 3, stride);
    }
}
