using Coser.Engine;
using Coser.Imaging;
using Coser.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// The pre-SR stage over a whole photo, tile by tile. Every tile is computed with the network's receptive field around it
/// and cut back, so the result is that of the untiled photo: there is nothing to blend and no seam.
/// </summary>
public sealed class PreSrEnlarger : IDisposable
{
    private readonly IEnlarger _network;
    private readonly Compute _compute;

    /// <param name="network">The network, filled; it is moved to the device and precision, and owned from here on.</param>
    public PreSrEnlarger(IEnlarger network, Compute compute)
    {
        _network = network;
        _compute = compute;
        _network.Network.to(compute.Device);
        _network.Network.to(compute.DType);
        _network.Network.eval();
    }

    /// <summary>Enlargement of the network.</summary>
    public int Scale => _network.Scale;

    /// <summary>Enlarges a photo onto a new canvas of <see cref="Scale"/> times its size.</summary>
    /// <param name="tile">Longest side of a tile in input pixels; 0: the network's <see cref="IEnlarger.UsualTile"/>.</param>
    /// <param name="progress">Called with tiles done and tiles in all.</param>
    /// <exception cref="RestorationException">The network gave NaN, or one colour for a photo that has more.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public PixelCanvas Enlarge(Photo photo, int tile, Action<int, int>? progress, CancellationToken cancel)
    {
        if (tile <= 0)
            tile = _network.UsualTile;
        (int columns, int width) = Split(photo.Width, tile, _network.Multiple);
        (int rows, int height) = Split(photo.Height, tile, _network.Multiple);
        var before = new PixelRange();
        var after = new PixelRange();
        var canvas = new PixelCanvas(checked(photo.Width * Scale), checked(photo.Height * Scale));
        try
        {
            for (int n = 0; n < rows * columns; n++)
            {
                cancel.ThrowIfCancellationRequested();
                int left = n % columns * width;
                int top = n / columns * height;
                var area = new PixelArea(
                    left,
                    top,
                    Math.Min(width, photo.Width - left),
                    Math.Min(height, photo.Height - top)
                );
                using var scope = NewDisposeScope();
                using var inference = inference_mode();
                Tensor output = EnlargeTile(photo, area, before);
                after.Add(output);
                canvas.Write(area.Left * Scale, area.Top * Scale, output);
                progress?.Invoke(n + 1, rows * columns);
            }
            PixelRange.Compare(before, after);
            return canvas;
        }
        catch
        {
            canvas.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();

    // As few tiles as the limit allows, of about equal sides: a thin last one would cost almost as much as a whole one.
    private static (int Count, int Side) Split(int length, int limit, int multiple)
    {
        int count = (length - 1) / limit + 1;
        int side = ((length - 1) / count / multiple + 1) * multiple;
        return ((length - 1) / side + 1, side);
    }

    private Tensor EnlargeTile(Photo photo, PixelArea area, PixelRange before)
    {
        int margin = _network.Margin;
        int left = Math.Max(0, area.Left - margin);
        int top = Math.Max(0, area.Top - margin);
        int right = Math.Min(photo.Width, area.Left + area.Width + margin);
        int bottom = Math.Min(photo.Height, area.Top + area.Height + margin);
        Tensor input = photo.Read(new PixelArea(left, top, right - left, bottom - top)); // [1,3,h,w]
        before.Add(input);
        Tensor output = _network.Enlarge(Whole(input).to(_compute.Device)); // [1,3,4h,4w] or a little more
        if (!output.isfinite().all().item<bool>())
            throw new RestorationException("the network gave values that are not numbers; try --precision fp32");
        return output
            .narrow(2, (area.Top - top) * Scale, area.Height * Scale)
            .narrow(3, (area.Left - left) * Scale, area.Width * Scale)
            .clamp(0, 1)
            .cpu();
    }

    // The photo's own edge need not lie at a multiple of the network's: its last pixels are repeated.
    private Tensor Whole(Tensor input)
    {
        long multiple = _network.Multiple;
        long below = (multiple - input.shape[2] % multiple) % multiple;
        long right = (multiple - input.shape[3] % multiple) % multiple;
        return below + right == 0 ? input : nn.functional.pad(input, [0, right, 0, below], PaddingModes.Replicate);
    }
}
