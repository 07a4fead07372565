using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>What JPEG does to images: a formula, or a codec.</summary>
public interface IJpegRoundTrip
{
    /// <summary>Compresses and decompresses each image at its own quality.</summary>
    /// <param name="images">[B,3,H,W] RGB in [0,1].</param>
    /// <param name="quality">[B] float32, above 0 up to 100.</param>
    /// <returns>[B,3,H,W] in [0,1].</returns>
    torch.Tensor Apply(torch.Tensor images, torch.Tensor quality);
}

/// <summary>
/// JPEG as arithmetic (DiffJPEG, as Real-ESRGAN's section 3.3 uses it): 4:2:0 chroma by averages of 2x2, 8x8 DCT,
/// quantisation rounded half to even, and back. No gradient.
/// </summary>
/// <remarks>
/// Kept from the formula's public implementation because training data of published checkpoints passed through it: the
/// quantisation tables lie transposed, images are filled up with zeros to multiples of 16, and quality is not an integer.
/// </remarks>
public sealed class DiffJpeg : IJpegRoundTrip
{
    // Smallest quantisation factor. Quality 100 would give 0 and with it NaN; this one leaves the image unharmed.
    private const double LosslessFactor = 1e-4;

    // ITU-T T.81, tables K.1 and K.2, transposed (see the remarks).
    private static readonly float[] Luminance = Transpose(
        new float[,]
        {
            { 16, 11, 10, 16, 24, 40, 51, 61 },
            { 12, 12, 14, 19, 26, 58, 60, 55 },
            { 14, 13, 16, 24, 40, 57, 69, 56 },
            { 14, 17, 22, 29, 51, 87, 80, 62 },
            { 18, 22, 37, 56, 68, 109, 103, 77 },
            { 24, 35, 55, 64, 81, 104, 113, 92 },
            { 49, 64, 78, 87, 103, 121, 120, 101 },
            { 72, 92, 95, 98, 112, 100, 103, 99 },
        }
    );

    private static readonly float[] Chrominance = Transpose(
        new float[,]
        {
            { 17, 18, 24, 47, 99, 99, 99, 99 },
            { 18, 21, 26, 66, 99, 99, 99, 99 },
            { 24, 26, 56, 99, 99, 99, 99, 99 },
            { 47, 66, 99, 99, 99, 99, 99, 99 },
            { 99, 99, 99, 99, 99, 99, 99, 99 },
            { 99, 99, 99, 99, 99, 99, 99, 99 },
            { 99, 99, 99, 99, 99, 99, 99, 99 },
            { 99, 99, 99, 99, 99, 99, 99, 99 },
        }
    );

    // Rows: Y, Cb, Cr of JFIF from RGB; and RGB from them.
    private static readonly float[,] ToYcc =
    {
        { 0.299f, 0.587f, 0.114f },
        { -0.168736f, -0.331264f, 0.5f },
        { 0.5f, -0.418688f, -0.081312f },
    };

    private static readonly float[,] ToRgb =
    {
        { 1, 0, 1.402f },
        { 1, -0.344136f, -0.714136f },
        { 1, 1.772f, 0 },
    };

    private static readonly float[,] Dct = DctBasis();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The images are not [B,3,H,W], or the qualities not [B].</exception>
    public torch.Tensor Apply(torch.Tensor images, torch.Tensor quality)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(quality);
        if (images.dim() != 4 || images.shape[1] != 3)
            throw new ArgumentException("images are [B,3,H,W]", nameof(images));
        if (quality.dim() != 1 || quality.shape[0] != images.shape[0])
            throw new ArgumentException("one quality an image", nameof(quality));
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        (long batch, long height, long width) = (images.shape[0], images.shape[2], images.shape[3]);
        (long paddedHeight, long paddedWidth) = ((height + 15) / 16 * 16, (width + 15) / 16 * 16);
        torch.Device device = images.device;
        torch.Tensor factor = Factor(quality.to(torch.float32, device)).view(batch, 1, 1, 1, 1);
        torch.Tensor dct = torch.tensor(Dct, device: device);

        torch.Tensor pixels = torch.nn.functional.pad(
            images.to(torch.float32) * 255,
            [0, paddedWidth - width, 0, paddedHeight - height]
        );
        // The DCT's level shift of 128 cancels the chroma offset, so only Y is shifted.
        torch.Tensor ycc = Mix(torch.tensor(ToYcc, device: device), pixels);
        torch.Tensor y = Requantise(ycc.narrow(1, 0, 1) - 128, Luminance, factor, dct) + 128;
        torch.Tensor chroma = torch.nn.functional.avg_pool2d(ycc.narrow(1, 1, 2), 2);
        chroma = Requantise(chroma, Chrominance, factor, dct);
        chroma = torch.nn.functional.interpolate(
            chroma,
            size: [paddedHeight, paddedWidth],
            mode: torch.InterpolationMode.Nearest
        );
        torch.Tensor rgb = Mix(torch.tensor(ToRgb, device: device), torch.cat([y, chroma], 1));
        return rgb.clamp_(0, 255)
            .div_(255)
            .narrow(2, 0, height)
            .narrow(3, 0, width)
            .to(images.dtype)
            .contiguous()
            .MoveToOuterDisposeScope();
    }

    // [3,3] by [B,3,H,W]: one product a pixel.
    private static torch.Tensor Mix(torch.Tensor matrix, torch.Tensor images) =>
        torch.matmul(matrix, images.flatten(2)).view(images.shape);

    // DCT, quantisation and back of [B,C,H,W], H and W multiples of 8. Coefficients stay where their block is: a product with
    // [8,8] from the left works on the rows of blocks, one from the right on their columns, and no block is ever moved.
    private static torch.Tensor Requantise(torch.Tensor planes, float[] table, torch.Tensor factor, torch.Tensor dct)
    {
        (long batch, long channels, long height, long width) = (
            planes.shape[0],
            planes.shape[1],
            planes.shape[2],
            planes.shape[3]
        );
        long[] rows = [batch * channels * (height / 8), 8, width];
        torch.Tensor back = dct.t();
        torch.Tensor coefficients = torch.matmul(torch.matmul(dct, planes.reshape(rows)).view(-1, 8), back);
        // [B, C * H/8, 8, W/8, 8] against a step of [B, 1, 8, 1, 8].
        torch.Tensor steps = torch.tensor(table, device: planes.device).view(1, 1, 8, 1, 8) * factor;
        torch.Tensor blocks = coefficients.view(batch, channels * (height / 8), 8, width / 8, 8);
        blocks = (blocks / steps).round_().mul_(steps);
        torch.Tensor restored = torch.matmul(torch.matmul(back, blocks.view(rows)).view(-1, 8), dct);
        return restored.view(planes.shape);
    }

    // The IJG rule: quality 50 uses the tables as they are.
    private static torch.Tensor Factor(torch.Tensor quality) =>
        torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).div_(100).clamp_min_(LosslessFactor);

    // Row u holds c(u)/2 cos((2x+1) u pi / 16), orthonormal.
    private static float[,] DctBasis()
    {
        var basis = new float[8, 8];
        for (int u = 0; u < 8; u++)
        {
            for (int x = 0; x < 8; x++)
                basis[u, x] = (float)((u == 0 ? Math.Sqrt(0.125) : 0.5) * Math.Cos((2 * x + 1) * u * Math.PI / 16));
        }
        return basis;
    }

    private static float[] Transpose(float[,] table) => [.. Enumerable.Range(0, 64).Select(i => table[i % 8, i / 8])];
}
