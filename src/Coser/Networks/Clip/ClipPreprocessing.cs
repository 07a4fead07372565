using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Clip;

/// <summary>From pixels to what the image tower takes.</summary>
public static class ClipPreprocessing
{
    /// <summary>
    /// The reproduction's way, inside the pipeline: the whole picture stretched to the tower's square by bicubic
    /// interpolation (a = -0.75, half-pixel centres) without antialiasing and without clamping, then normalised. Gradients
    /// pass.
    /// </summary>
    /// <param name="image">[B,3,h,w], [0,1], float32.</param>
    /// <param name="config">Gives the size of the square, mean and deviation.</param>
    /// <returns>[B,3,S,S], float32.</returns>
    public static Tensor Stretch(Tensor image, ClipConfig config)
    {
        using var scope = NewDisposeScope();
        long size = config.Vision.ImageSize;
        return Normalise(Resize(image, size, size, antialias: false), config.Preprocess).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// open_clip's way of judging photos: the shorter side to the tower's size by antialiased bicubic interpolation, rows
    /// first and in steps of 1/255 as Pillow does it, the middle square cut out, then normalised.
    /// </summary>
    /// <param name="image">[B,3,h,w], [0,1], float32.</param>
    /// <param name="config">Gives the size of the square, mean and deviation.</param>
    /// <returns>[B,3,S,S], float32. At most one of the 255 steps from Pillow, whose weights are integers.</returns>
    public static Tensor CentreCrop(Tensor image, ClipConfig config)
    {
        using var scope = NewDisposeScope();
        long size = config.Vision.ImageSize;
        (long h, long w) = (image.shape[2], image.shape[3]);
        (long toH, long toW) = h <= w ? (size, size * w / h) : (size * h / w, size);
        Tensor resized = Steps(Resize(Steps(Resize(image, h, toW, antialias: true)), toH, toW, antialias: true));
        long top = (long)Math.Round((toH - size) / 2.0, MidpointRounding.ToEven);
        long left = (long)Math.Round((toW - size) / 2.0, MidpointRounding.ToEven);
        return Normalise(resized.narrow(2, top, size).narrow(3, left, size), config.Preprocess)
            .MoveToOuterDisposeScope();
    }

    private static Tensor Resize(Tensor image, long height, long width, bool antialias) =>
        nn.functional.interpolate(
            image,
            size: [height, width],
            mode: InterpolationMode.Bicubic,
            align_corners: false,
            antialias: antialias
        );

    private static Tensor Steps(Tensor image) => (image * 255).round().clamp(0, 255) / 255;

    private static Tensor Normalise(Tensor image, ClipPreprocessConfig config)
    {
        Tensor mean = tensor(config.Mean.ToArray(), device: image.device).reshape(1, 3, 1, 1);
        Tensor std = tensor(config.Std.ToArray(), device: image.device).reshape(1, 3, 1, 1);
        return (image - mean) / std;
    }
}
