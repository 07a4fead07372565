using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>The views of a whole photo that cognition and reference need, at the size of the training photos.</summary>
/// <param name="trainLr">Side of the LR training photos.</param>
/// <param name="enlargement">How they are enlarged.</param>
internal sealed class PhotoViews(int trainLr, Enlargement enlargement)
{
    // A longer photo than that, its shorter side given, is seen compressed.
    private const int MaxAspect = 4;

    /// <summary>The photo as cognition sees it: its shorter side shrunk to the training photos', if it is longer.</summary>
    /// <returns>[1,3,h,w].</returns>
    public Tensor Small(Photo photo)
    {
        int shorter = Math.Min(photo.Width, photo.Height);
        double factor = Math.Min(1, trainLr / (double)shorter);
        return photo.ReadShrunk(Side(photo.Width), Side(photo.Height));

        int Side(int side) => Math.Clamp((int)Math.Round(side * factor), 1, MaxAspect * trainLr);
    }

    /// <summary>The middle of a small view, enlarged; what it lacks is its mirror image.</summary>
    /// <param name="small">Of <see cref="Small"/>.</param>
    /// <returns>[1,3,T,T], T the side of the training photos.</returns>
    public Tensor Square(Tensor small)
    {
        var canvas = new LrCanvas(
            area => small.narrow(2, area.Top, area.Height).narrow(3, area.Left, area.Width),
            (int)small.shape[3],
            (int)small.shape[2],
            trainLr
        );
        var middle = new PixelArea((canvas.Width - trainLr) / 2, (canvas.Height - trainLr) / 2, trainLr, trainLr);
        return canvas.ReadEnlarged(middle, enlargement);
    }

    /// <summary>The middle square of a photo that is shown as a reference.</summary>
    /// <returns>[1,3,T,T].</returns>
    public Tensor Reference(Photo photo)
    {
        using var scope = NewDisposeScope();
        int size = trainLr * enlargement.Scale;
        double factor = size / (double)Math.Min(photo.Width, photo.Height);
        int width = Math.Max(size, (int)Math.Round(photo.Width * factor));
        int height = Math.Max(size, (int)Math.Round(photo.Height * factor));
        Tensor pixels =
            factor <= 1
                ? photo.ReadShrunk(width, height)
                : nn.functional.interpolate(
                    photo.Read(new PixelArea(0, 0, photo.Width, photo.Height)),
                    size: [height, width],
                    mode: InterpolationMode.Bicubic,
                    align_corners: false
                );
        return pixels
            .clamp(0, 1)
            .narrow(2, (height - size) / 2, size)
            .narrow(3, (width - size) / 2, size)
            .contiguous()
            .MoveToOuterDisposeScope();
    }
}
