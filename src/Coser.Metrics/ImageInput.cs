using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics;

/// <summary>What the metrics beside PSNR and SSIM share: checks of their images, levels, luma.</summary>
internal static class ImageInput
{
    // The luma of BT.601 in full range: MATLAB's rgb2gray.
    private static readonly double[] Grey = [0.299, 0.587, 0.114];

    /// <exception cref="ArgumentException">It is not [B,3,H,W], or smaller than <paramref name="smallest"/>.</exception>
    public static void Require(Tensor image, long smallest, string metric)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.dim() != 4 || image.shape[1] != 3)
            throw new ArgumentException($"images are [B,3,H,W], not [{string.Join(',', image.shape)}]", nameof(image));
        if (Math.Min(image.shape[2], image.shape[3]) < smallest)
            throw new ArgumentException($"{metric} needs {smallest} pixels along each side", nameof(image));
    }

    /// <exception cref="ArgumentException">Shapes differ, or <see cref="Require(Tensor, long, string)"/>'s.</exception>
    public static void RequirePair(Tensor a, Tensor b, long smallest, string metric)
    {
        Require(a, smallest, metric);
        ArgumentNullException.ThrowIfNull(b);
        if (!a.shape.AsSpan().SequenceEqual(b.shape))
            throw new ArgumentException(
                $"sizes differ: [{string.Join(',', a.shape)}], [{string.Join(',', b.shape)}]",
                nameof(b)
            );
    }

    /// <summary>float64, 0-255, of floating-point [0,1] or bytes; not rounded.</summary>
    public static Tensor Levels(Tensor image) => image.dtype == uint8 ? image.to(float64) : image.to(float64) * 255;

    /// <summary>float32, [0,1], of the same.</summary>
    public static Tensor Unit(Tensor image) => image.dtype == uint8 ? image.to(float32) / 255 : image.to(float32);

    /// <summary>[B,1,H,W] of [B,3,H,W], on the scale of its input.</summary>
    public static Tensor Luma(Tensor levels) => Mix(levels, Grey);

    /// <summary>[B,1,H,W]: a weighted sum of the channels.</summary>
    public static Tensor Mix(Tensor image, double[] weights)
    {
        using Tensor factors = tensor(weights, dtype: image.dtype, device: image.device).view(1, 3, 1, 1);
        return (image * factors).sum(1, keepdim: true);
    }

    /// <summary>One number an image, of [B] in any floating-point type.</summary>
    public static double[] Numbers(Tensor values) => [.. values.to(float64).cpu().reshape(-1).data<double>()];
}
