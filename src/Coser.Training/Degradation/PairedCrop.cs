using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>The same random window cut from an LR image and its HR image.</summary>
public static class PairedCrop
{
    /// <summary>Cuts a window; the draws are its top, then its left edge, in LR pixels.</summary>
    /// <param name="lq">[B,C,h,w].</param>
    /// <param name="gt">[B,C,h*scale,w*scale].</param>
    /// <param name="gtSize">Side length of the HR window, a multiple of <paramref name="scale"/>.</param>
    /// <returns>Copies: [B,C,gtSize/scale,gtSize/scale] and [B,C,gtSize,gtSize].</returns>
    /// <exception cref="ArgumentException">The sizes do not fit each other or the window.</exception>
    public static (torch.Tensor Lq, torch.Tensor Gt) Cut(
        torch.Tensor lq,
        torch.Tensor gt,
        int gtSize,
        int scale,
        IDegradationDraws draws
    )
    {
        ArgumentNullException.ThrowIfNull(lq);
        ArgumentNullException.ThrowIfNull(gt);
        ArgumentNullException.ThrowIfNull(draws);
        (long height, long width) = (lq.shape[^2], lq.shape[^1]);
        if (gt.shape[^2] != height * scale || gt.shape[^1] != width * scale)
            throw new ArgumentException($"HR is not {scale} times LR", nameof(gt));
        if (gtSize % scale != 0 || gtSize < scale || gtSize / scale > Math.Min(height, width))
            throw new ArgumentException($"no window of {gtSize} pixels fits", nameof(gtSize));
        int size = gtSize / scale;
        int top = draws.RandInt(0, (int)height - size);
        int left = draws.RandInt(0, (int)width - size);
        return (Window(lq, top, left, size), Window(gt, top * scale, left * scale, gtSize));
    }

    private static torch.Tensor Window(torch.Tensor images, long top, long left, long size)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor view = images.narrow(-2, top, size).narrow(-1, left, size);
        return view.clone().MoveToOuterDisposeScope();
    }
}
