using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>What tells whether a photo is worth training on.</summary>
public static class PhotoMeasures
{
    private static readonly float[] Luma = [0.299f, 0.587f, 0.114f];
    private static readonly float[] Laplacian = [0, 1, 0, 1, -4, 1, 0, 1, 0];

    /// <summary>
    /// Variance of the Laplacian (its 4-neighbour kernel) of the grey values 0..255: sharp photos have many hundreds, blurred
    /// ones some tens, even areas 0.
    /// </summary>
    /// <param name="photo">[1,3,H,W], [0,1], float32, sRGB; H and W at least 3.</param>
    public static double Sharpness(Tensor photo)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor kernel = tensor(Laplacian).reshape(1, 1, 3, 3);
        return nn.functional.conv2d(Grey(photo) * 255, kernel).var(unbiased: false).item<float>();
    }

    /// <summary>
    /// The difference hash: on a grey picture of 9 x 8 averaged areas, a bit for each two neighbours in a row, set where the
    /// left one is brighter. Copies of another size, quality or brightness differ in a few bits, other photos in about 32.
    /// </summary>
    /// <param name="photo">[1,3,H,W], [0,1], float32.</param>
    public static ulong DifferenceHash(Tensor photo)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        float[] grey = nn
            .functional.interpolate(Grey(photo), size: [8, 9], mode: InterpolationMode.Area)
            .data<float>()
            .ToArray();
        ulong hash = 0;
        for (int bit = 0; bit < 64; bit++)
        {
            int at = bit / 8 * 9 + bit % 8;
            if (grey[at] > grey[at + 1])
                hash |= 1UL << bit;
        }
        return hash;
    }

    // [1,1,H,W]
    private static Tensor Grey(Tensor photo) => (photo * tensor(Luma).reshape(1, 3, 1, 1)).sum(dim: 1, keepdim: true);
}
