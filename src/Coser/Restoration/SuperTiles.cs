using Coser.Diffusion;
using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// Parts of a photo that are restored to the end, one after another, and laid over each other with soft edges: what bounds
/// the memory of a restoration.
/// </summary>
/// <param name="Size">Longest side of a part, in LR pixels, even.</param>
/// <param name="Overlap">What neighbours share, in LR pixels.</param>
internal sealed record SuperTiles(int Size, int Overlap)
{
    /// <summary>The parts of an LR canvas, row by row.</summary>
    public IReadOnlyList<PixelArea> Of(int width, int height) =>
        [
            .. new LatentTiling(Size, Overlap)
                .Tiles(height, width)
                .Select(t => new PixelArea(t.Left, t.Top, t.Width, t.Height)),
        ];

    /// <summary>Lays a restored part on the result. Its left and upper neighbours lie there already; their overlap fades.</summary>
    /// <param name="parts">Of <see cref="Of"/>, all of them.</param>
    /// <param name="index">The part's place among them.</param>
    /// <param name="pixels">[1,3,scale*h,scale*w]: the part without what lies beyond the photo.</param>
    public static void Lay(PixelCanvas canvas, IReadOnlyList<PixelArea> parts, int index, Tensor pixels, int scale)
    {
        using var scope = NewDisposeScope();
        PixelArea part = parts[index];
        int left = scale * Shared(parts.Where(p => p.Top == part.Top), p => p.Left, p => p.Width, part.Left);
        int top = scale * Shared(parts.Where(p => p.Left == part.Left), p => p.Top, p => p.Height, part.Top);
        (int x, int y) = (part.Left * scale, part.Top * scale);
        if (left > 0 || top > 0)
        {
            var area = new PixelArea(x, y, (int)pixels.shape[3], (int)pixels.shape[2]);
            Tensor share = minimum(Ramp(left, area.Width).unsqueeze(0), Ramp(top, area.Height).unsqueeze(1)); // [h,w]
            pixels = canvas.Read(area).lerp(pixels.clamp(0, 1), share);
        }
        canvas.Write(x, y, pixels);
    }

    // How far the nearest earlier part reaches into this one, along one side.
    private static int Shared(
        IEnumerable<PixelArea> line,
        Func<PixelArea, int> start,
        Func<PixelArea, int> length,
        int here
    ) => line.Where(p => start(p) < here).Select(p => start(p) + length(p) - here).DefaultIfEmpty(0).Max();

    // From 0 to 1 over the overlap, then 1.
    private static Tensor Ramp(int overlap, int length)
    {
        using var scope = NewDisposeScope();
        return overlap == 0
            ? ones(length).MoveToOuterDisposeScope()
            : ((arange(length, dtype: float32) + 0.5) / overlap).clamp(max: 1.0).MoveToOuterDisposeScope();
    }
}
