using Coser.Engine;
using Coser.Imaging;
using Coser.Networks.PreSr;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// The pre-SR stage over a whole photo, tile by tile. Every tile is computed with the network's receptive field around it
/// and cut back, so the result is that of the untiled photo: there is nothing to blend and no seam.
/// </summary>
public sealed class PreSrEnlarger : IDisposable
{
    /// <summary>Tile side, in input pixels, when none is asked for: about 1 GB of activations in float32.</summary>
    public const int DefaultTile = 192;

    private readonly MsrResNet _network;
    private readonly Compute _compute;

    /// <param name="network">The network, filled; it is moved to the device and precision, and owned from here on.</param>
    public PreSrEnlarger(MsrResNet network, Compute compute)
    {
        _network = network;
        _compute = compute;
        _network.to(compute.Device);
        _network.to(compute.DType);
        _network.eval();
    }

    /// <summary>Enlargement of the network.</summary>
    public int Scale => _network.Config.Upscale;

    /// <summary>Enlarges a photo onto a new canvas of <see cref="Scale"/> times its size.</summary>
    /// <param name="tile">Tile side in input pixels; 0: <see cref="DefaultTile"/>.</param>
    /// <param name="progress">Called with tiles done and tiles in all.</param>
    /// <exception cref="RestorationException">The network gave NaN, or one colour for a photo that has more.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public PixelCanvas Enlarge(Photo photo, int tile, Action<int, int>? progress, CancellationToken cancel)
    {
        if (tile <= 0)
            tile = DefaultTile;
        int columns = (photo.Width + tile - 1) / tile;
        int rows = (photo.Height + tile - 1) / tile;
        var before = new PixelRange();
        var after = new PixelRange();
        var canvas = new PixelCanvas(checked(photo.Width * Scale), checked(photo.Height * Scale));
        try
        {
            for (int n = 0; n < rows * columns; n++)
            {
                cancel.ThrowIfCancellationRequested();
                int left = n % columns * tile;
                int top = n / columns * tile;
                var area = new PixelArea(
                    left,
                    top,
                    Math.Min(tile, photo.Width - left),
                    Math.Min(tile, photo.Height - top)
                );
                using var scope = NewDisposeScope();
                using var inference = inference_mode();
                Tensor output = EnlargeTile(photo, area, before);
                after.Add(output);
                canvas.Write(area.Left * Scale, area.Top * Scale, output);
                progress?.Invoke(n + 1, rows * columns);
            }
            if (before.Varies && !after.Varies)
                throw new RestorationException(
                    "the network gave one colour for the whole photo: its weights are damaged"
                );
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

    private Tensor EnlargeTile(Photo photo, PixelArea area, PixelRange before)
    {
        int margin = _network.ReceptiveRadius;
        int left = Math.Max(0, area.Left - margin);
        int top = Math.Max(0, area.Top - margin);
        int right = Math.Min(photo.Width, area.Left + area.Width + margin);
        int bottom = Math.Min(photo.Height, area.Top + area.Height + margin);
        Tensor input = photo.Read(new PixelArea(left, top, right - left, bottom - top)); // [1,3,h,w]
        before.Add(input);
        Tensor output = _network.call(input.to(_compute.Device)); // [1,3,4h,4w]
        if (!output.isfinite().all().item<bool>())
            throw new RestorationException("the network gave values that are not numbers; try --precision fp32");
        return output
            .narrow(2, (area.Top - top) * Scale, area.Height * Scale)
            .narrow(3, (area.Left - left) * Scale, area.Width * Scale)
            .clamp(0, 1)
            .cpu();
    }

    // Smallest and largest value seen, to notice a constant result.
    private sealed class PixelRange
    {
        private float _lowest = float.PositiveInfinity;
        private float _highest = float.NegativeInfinity;

        public bool Varies => _highest > _lowest;

        public void Add(Tensor pixels)
        {
            _lowest = Math.Min(_lowest, pixels.min().item<float>());
            _highest = Math.Max(_highest, pixels.max().item<float>());
        }
    }
}
