using NetVips;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>Photos of a training set as tensors.</summary>
public static class TrainingPhoto
{
    /// <summary>Decodes a photo, turned upright, as sRGB.</summary>
    /// <returns>[3,H,W], uint8.</returns>
    /// <exception cref="InvalidDataException">The file cannot be decoded; the message names it.</exception>
    public static Tensor Load(string path)
    {
        try
        {
            using Image file = Image.NewFromFile(path, failOn: Enums.FailOn.Error);
            using Image upright = file.Autorot();
            using Image colour = upright.Colourspace(Enums.Interpretation.Srgb);
            using Image rgb = colour.Bands > 3 ? colour.ExtractBand(0, 3) : colour.Copy();
            byte[] pixels = rgb.WriteToMemory<byte>();
            using var scope = NewDisposeScope();
            return tensor(pixels, uint8)
                .view(rgb.Height, rgb.Width, 3)
                .permute(2, 0, 1)
                .contiguous()
                .MoveToOuterDisposeScope();
        }
        catch (VipsException e)
        {
            throw new InvalidDataException($"{path}: {e.Message.Trim()}", e);
        }
    }

    /// <summary>A whole photo, cut at the right and bottom so that LR and HR cover the same scene.</summary>
    /// <returns>[1,3,H,W], float32, [0,1]; H and W are multiples of <paramref name="scale"/>.</returns>
    /// <exception cref="InvalidDataException">The file cannot be decoded; the message names it.</exception>
    public static Tensor LoadForDegradation(string path, int scale)
    {
        using var scope = NewDisposeScope();
        Tensor photo = Load(path);
        long h = photo.shape[1] / scale * scale;
        long w = photo.shape[2] / scale * scale;
        return photo.narrow(1, 0, h).narrow(2, 0, w).to(float32).div_(255).unsqueeze(0).MoveToOuterDisposeScope();
    }
}
