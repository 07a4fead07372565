using TorchSharp;

namespace Coser.Metrics;

/// <summary>What PSNR and SSIM share: input checks, border, levels and colour.</summary>
internal static class PixelMetric
{
    // BT.601 studio range: Y = 16 + these times RGB in [0,1].
    private static readonly double[] Luma = [65.481, 128.553, 24.966];

    /// <summary>Both images as float64 [B,C,h,w] on the scale 0-255, border gone; C is 1 for Y.</summary>
    /// <exception cref="ArgumentException">Shapes differ, are not [B,3,H,W], or nothing is left within the border.</exception>
    public static (torch.Tensor A, torch.Tensor B) Prepare(torch.Tensor a, torch.Tensor b, PixelMetricOptions options)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (!a.shape.AsSpan().SequenceEqual(b.shape))
            throw new ArgumentException(
                $"sizes differ: [{string.Join(',', a.shape)}], [{string.Join(',', b.shape)}]",
                nameof(b)
            );
        if (a.dim() != 4 || a.shape[1] != 3)
            throw new ArgumentException("images are [B,3,H,W]", nameof(a));
        if (Math.Min(a.shape[2], a.shape[3]) <= 2L * options.Border)
            throw new ArgumentException("nothing is left within the border", nameof(options));
        return (Prepare(a, options), Prepare(b, options));
    }

    private static torch.Tensor Prepare(torch.Tensor image, PixelMetricOptions options)
    {
        int border = options.Border;
        image = image.narrow(2, border, image.shape[2] - 2 * border).narrow(3, border, image.shape[3] - 2 * border);
        bool bytes = image.dtype == torch.uint8;
        torch.Tensor levels = bytes ? image.to(torch.float64) : image.to(torch.float64) * 255;
        if (options.Convention == MetricConvention.EightBit && !bytes)
            levels = levels.round_().clamp_(0, 255);
        return options.Colour == MetricColour.Rgb ? levels : ToY(levels, options.RoundY);
    }

    /// <summary>[B,1,H,W] Y in 16-235 of [B,3,H,W] RGB in 0-255.</summary>
    internal static torch.Tensor ToY(torch.Tensor levels, bool round = false)
    {
        torch.Tensor weights = torch.tensor(Luma, device: levels.device).div_(255).view(1, 3, 1, 1);
        torch.Tensor y = (levels * weights).sum(1, keepdim: true).add_(16);
        return round ? y.round_() : y;
    }
}
