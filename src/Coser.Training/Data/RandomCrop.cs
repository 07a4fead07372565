using Coser.Training.Degradation;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>Patches of training photos.</summary>
public static class RandomCrop
{
    /// <summary>A square from anywhere, mirrored and transposed at random.</summary>
    /// <param name="photo">[3,H,W].</param>
    /// <param name="side">Wanted side; a smaller photo is cut as it allows.</param>
    /// <param name="multiple">Height and width of the patch are multiples of it.</param>
    /// <returns>[3,h,w], a view.</returns>
    public static Tensor Square(Tensor photo, int side, int multiple, IDegradationDraws draws)
    {
        int height = (int)photo.shape[1];
        int width = (int)photo.shape[2];
        int h = Math.Min(side, height) / multiple * multiple;
        int w = Math.Min(side, width) / multiple * multiple;
        int top = draws.RandInt(0, height - h);
        int left = draws.RandInt(0, width - w);
        Tensor patch = photo.narrow(1, top, h).narrow(2, left, w);
        if (draws.Uniform(0, 1) < 0.5)
            patch = patch.flip(2);
        return draws.Uniform(0, 1) < 0.5 ? patch.transpose(1, 2) : patch;
    }

    /// <summary>A part of random area and shape (3:4 to 4:3), as ImageNet's classifiers are trained on.</summary>
    /// <param name="photo">[3,H,W].</param>
    /// <param name="minArea">Smallest share of the photo's area, above 0 and at most 1.</param>
    /// <returns>[3,h,w], a view.</returns>
    public static Tensor Area(Tensor photo, double minArea, IDegradationDraws draws)
    {
        double area = draws.Uniform(minArea, 1) * photo.shape[1] * photo.shape[2];
        double aspect = Math.Exp(draws.Uniform(Math.Log(3 / 4.0), Math.Log(4 / 3.0)));
        int h = (int)Math.Min(photo.shape[1], Math.Round(Math.Sqrt(area / aspect)));
        int w = (int)Math.Min(photo.shape[2], Math.Round(Math.Sqrt(area * aspect)));
        int top = draws.RandInt(0, (int)photo.shape[1] - h);
        int left = draws.RandInt(0, (int)photo.shape[2] - w);
        return photo.narrow(1, top, h).narrow(2, left, w);
    }
}
