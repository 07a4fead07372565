using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>
/// Sensor noise (Real-ESRGAN, section 3.2 "Noise"). Grey noise is one field for all channels. Images are [B,3,H,W] float32 in
/// [0,1]; the noise is [B,3,H,W] to be added to them. Sigma, scale and grey flags (0 or 1) are [B].
/// </summary>
public static class Noise
{
    // Weights of ITU-R BT.601 as torchvision rounds them.
    private static readonly float[] Luma = [0.2989f, 0.587f, 0.114f];

    /// <summary>Gaussian noise of standard deviation sigma, in 8-bit levels.</summary>
    /// <remarks>
    /// The grey field is drawn first, only if a flag is set, and once for the whole batch; the coloured field is always drawn.
    /// </remarks>
    public static torch.Tensor Gaussian(
        torch.Tensor images,
        torch.Tensor sigma,
        torch.Tensor greyFlags,
        IDegradationDraws draws
    )
    {
        Check(images, draws);
        using var scope = torch.NewDisposeScope();
        (long batch, long channels, long height, long width) = Sizes(images);
        torch.Tensor level = PerImage(sigma, images) / 255;
        torch.Tensor grey = PerImage(greyFlags, images);
        torch.Tensor? shared = AnySet(grey) ? draws.RandN(height, width).to(images.device) * level : null;
        torch.Tensor noise = draws.RandN(batch, channels, height, width).to(images.device) * level;
        return Blend(noise, shared, grey).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Shot noise: the difference between Poisson counts and the image at 8-bit levels, times scale. The counts' unit is one
    /// level of an image quantised to the next power of two of its number of distinct levels.
    /// </summary>
    /// <remarks>Grey counts are drawn first, only if a flag is set; coloured counts always.</remarks>
    public static torch.Tensor Poisson(
        torch.Tensor images,
        torch.Tensor scale,
        torch.Tensor greyFlags,
        IDegradationDraws draws
    )
    {
        Check(images, draws);
        using var scope = torch.NewDisposeScope();
        torch.Tensor grey = PerImage(greyFlags, images);
        torch.Tensor? shared = AnySet(grey) ? ShotNoise(Grey(images), draws) : null;
        torch.Tensor noise = ShotNoise(images, draws);
        return (Blend(noise, shared, grey) * PerImage(scale, images)).MoveToOuterDisposeScope();
    }

    /// <summary>[B,1,H,W] luma of [B,3,H,W] RGB.</summary>
    public static torch.Tensor Grey(torch.Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = torch.NewDisposeScope();
        torch.Tensor weights = torch.tensor(Luma, device: images.device).view(1, 3, 1, 1);
        return (images * weights).sum(1, keepdim: true).MoveToOuterDisposeScope();
    }

    /// <summary>[B] counts that stand for full brightness: the power of two at or above the distinct 8-bit levels of each image.</summary>
    /// <param name="images">[B,C,H,W]; values outside [0,1] count as 0 or 1.</param>
    public static torch.Tensor FullCounts(torch.Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = torch.NewDisposeScope();
        torch.Tensor levels = (images * 255).round_().clamp_(0, 255).to(torch.int64);
        var counts = new float[images.shape[0]];
        for (int b = 0; b < counts.Length; b++)
        {
            long distinct = torch.bincount(levels[b].flatten(), minlength: 256).count_nonzero().item<long>();
            counts[b] = (float)Math.Pow(2, Math.Ceiling(Math.Log2(distinct)));
        }
        return torch.tensor(counts, device: images.device).MoveToOuterDisposeScope();
    }

    private static torch.Tensor ShotNoise(torch.Tensor images, IDegradationDraws draws)
    {
        torch.Tensor quantised = (images * 255).round_().clamp_(0, 255).div_(255);
        torch.Tensor full = PerImage(FullCounts(quantised), images);
        return draws.Poisson((quantised * full).cpu()).to(images.device) / full - quantised;
    }

    private static torch.Tensor Blend(torch.Tensor colour, torch.Tensor? grey, torch.Tensor greyFlags) =>
        grey is null ? colour : colour * (1 - greyFlags) + grey * greyFlags;

    private static torch.Tensor PerImage(torch.Tensor values, torch.Tensor images) =>
        values.to(torch.float32, images.device).view(-1, 1, 1, 1);

    private static bool AnySet(torch.Tensor flags) => flags.sum().item<float>() > 0;

    private static (long Batch, long Channels, long Height, long Width) Sizes(torch.Tensor images) =>
        (images.shape[0], images.shape[1], images.shape[2], images.shape[3]);

    private static void Check(torch.Tensor images, IDegradationDraws draws)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(draws);
    }
}
