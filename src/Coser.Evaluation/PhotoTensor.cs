using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>Whole photos as tensors.</summary>
internal static class PhotoTensor
{
    /// <returns>[1,3,H,W], float32, [0,1].</returns>
    public static Tensor Read(string path)
    {
        using Photo photo = Photo.Open(path);
        return photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
    }

    /// <summary>Writes 8 bits a channel; the file appears whole or not at all.</summary>
    public static void Write(string path, Tensor pixels)
    {
        using Photo photo = Photo.FromPixels(pixels);
        photo.Save(path, new SaveOptions { Overwrite = true });
    }

    /// <summary>As an 8-bit file would hold it.</summary>
    public static Tensor Rounded(Tensor image) => (image.clamp(0, 1) * 255).round() / 255;
}

/// <summary>The images of a folder.</summary>
internal static class ImageFolder
{
    /// <summary>Paths by name without extension.</summary>
    /// <exception cref="InvalidDataException">The folder is missing or holds no image, or two of one name.</exception>
    public static IReadOnlyDictionary<string, string> ByName(string folder)
    {
        if (!Directory.Exists(folder))
            throw new InvalidDataException($"{folder}: no such folder.");
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(folder).Where(PhotoFormats.IsReadable))
        {
            if (!files.TryAdd(Path.GetFileNameWithoutExtension(file), file))
                throw new InvalidDataException(
                    $"{folder}: two images are named {Path.GetFileNameWithoutExtension(file)}."
                );
        }
        return files.Count > 0 ? files : throw new InvalidDataException($"{folder}: it holds no image.");
    }
}
