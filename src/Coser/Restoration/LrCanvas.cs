using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// A photo as the sampler wants it: at least as large as the training photos, sides even; what is beyond the photo's edge is
/// its mirror image. Read piece by piece, so that memory does not grow with the photo.
/// </summary>
/// <param name="read">Pixels of an area, [1,3,h,w] in [0,1].</param>
/// <param name="width">Of the photo.</param>
/// <param name="height">Of the photo.</param>
/// <param name="minimum">Least side of the canvas.</param>
internal sealed class LrCanvas(Func<PixelArea, Tensor> read, int width, int height, int minimum)
{
    public int Width { get; } = Even(Math.Max(width, minimum));

    public int Height { get; } = Even(Math.Max(height, minimum));

    /// <summary>A piece of the canvas enlarged: the same values as that piece of the whole canvas enlarged.</summary>
    /// <returns>[1,3,scale*h,scale*w], [0,1].</returns>
    public Tensor ReadEnlarged(PixelArea area, Enlargement enlargement)
    {
        using var scope = NewDisposeScope();
        (int scale, int margin) = (enlargement.Scale, enlargement.Margin);
        // Around the piece what the enlargement would see of the whole: its neighbours, or its edge repeated.
        int[] columns = Places(area.Left, area.Width, Width, width, margin);
        int[] rows = Places(area.Top, area.Height, Height, height, margin);
        Tensor lr = Read(rows, columns);
        return enlargement
            .Apply(lr)
            .narrow(2, margin * scale, area.Height * scale)
            .narrow(3, margin * scale, area.Width * scale)
            .contiguous()
            .MoveToOuterDisposeScope();
    }

    private static int Even(int side) => side + side % 2;

    private static int[] Places(int start, int length, int canvas, int side, int margin) =>
        [
            .. Enumerable
                .Range(start - margin, length + 2 * margin)
                .Select(i => Mirror(Math.Clamp(i, 0, canvas - 1), side)),
        ];

    // ..., 2, 1, 0, 1, 2, ..., side-1, side-2, ...
    private static int Mirror(int place, int side)
    {
        if (side == 1)
            return 0;
        int period = 2 * (side - 1);
        int within = place % period;
        return within < side ? within : period - within;
    }

    private Tensor Read(int[] rows, int[] columns)
    {
        (int top, int left) = (rows.Min(), columns.Min());
        var area = new PixelArea(left, top, columns.Max() - left + 1, rows.Max() - top + 1);
        Tensor pixels = read(area);
        return pixels.index_select(2, Index(rows, top)).index_select(3, Index(columns, left));
    }

    private static Tensor Index(int[] places, int first) => tensor(places.Select(p => (long)(p - first)).ToArray());
}
