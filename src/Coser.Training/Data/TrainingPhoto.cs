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
        using Photo photo = Photo.Open(path);
        return Bytes(photo);
    }

    /// <summary>A whole photo, cut at the right and bottom so that LR and HR cover the same scene.</summary>
    /// <returns>[1,3,H,W], float32, [0,1]; H and W are multiples of <paramref name="scale"/>.</returns>
    /// <exception cref="PhotoException">The file cannot be decoded; the message names it.</exception>
    public static Tensor LoadForDegradation(string path, int scale)
    {
        using Photo photo = Photo.Open(path);
        return Cut(photo, scale);
    }

    /// <summary>Decodes a photo of a data set, turned upright, as sRGB.</summary>
    /// <returns>[3,H,W], uint8.</returns>
    /// <exception cref="PhotoException">It cannot be read or decoded; the message names it.</exception>
    public static Tensor Load(PhotoIndex data, PhotoEntry entry)
    {
        using Photo photo = data.OpenPhoto(entry);
        return Bytes(photo);
    }

    /// <summary>A whole photo of a data set, cut at the right and bottom so that LR and HR cover the same scene.</summary>
    /// <returns>[1,3,H,W], float32, [0,1]; H and W are multiples of <paramref name="scale"/>.</returns>
    /// <exception cref="PhotoException">It cannot be read or decoded; the message names it.</exception>
    public static Tensor LoadForDegradation(PhotoIndex data, PhotoEntry entry, int scale)
    {
        using Photo photo = data.OpenPhoto(entry);
        return Cut(photo, scale);
    }

    private static Tensor Bytes(Photo photo)
    {
        using var scope = NewDisposeScope();
        return ReadWhole(photo).mul_(255).round_().to(uint8).squeeze(0).MoveToOuterDisposeScope();
    }

    private static Tensor Cut(Photo photo, int scale)
    {
        using var scope = NewDisposeScope();
        Tensor whole = ReadWhole(photo);
        long h = whole.shape[2] / scale * scale;
        long w = whole.shape[3] / scale * scale;
        return whole.narrow(2, 0, h).narrow(3, 0, w).contiguous().MoveToOuterDisposeScope();
    }

    private static Tensor ReadWhole(Photo photo) => photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
}
