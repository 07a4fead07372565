using Coser.Imaging;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>Photos of a training set as tensors.</summary>
public static class TrainingPhoto
{
    /// <summary>Decodes a photo, turned upright, as sRGB.</summary>
    /// <returns>[3,H,W], uint8.</returns>
    /// <exception cref="PhotoException">The file cannot be decoded; the message names it.</exception>
    public static Tensor Load(string path)
    {
        using var scope = NewDisposeScope();
        return ReadWhole(path).mul_(255).round_().to(uint8).squeeze(0).MoveToOuterDisposeScope();
    }

    /// <summary>A whole photo, cut at the right and bottom so that LR and HR cover the same scene.</summary>
    /// <returns>[1,3,H,W], float32, [0,1]; H and W are multiples of <paramref name="scale"/>.</returns>
    /// <exception cref="PhotoException">The file cannot be decoded; the message names it.</exception>
    public static Tensor LoadForDegradation(string path, int scale)
    {
        using var scope = NewDisposeScope();
        Tensor photo = ReadWhole(path);
        long h = photo.shape[2] / scale * scale;
        long w = photo.shape[3] / scale * scale;
        return photo.narrow(2, 0, h).narrow(3, 0, w).contiguous().MoveToOuterDisposeScope();
    }

    private static Tensor ReadWhole(string path)
    {
        using Photo photo = Photo.Open(path);
        return photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
    }
}
