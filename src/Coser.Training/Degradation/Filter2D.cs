using System.Runtime.InteropServices;
using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>
/// Filtering of images by kernels: correlation (the kernel is not flipped), borders mirrored without repeating the edge
/// pixel. An image smaller than the kernel's radius is mirrored again and again.
/// </summary>
public static class Filter2D
{
    /// <summary>Filters every channel of image b by kernel b.</summary>
    /// <param name="images">[B,C,H,W], any range.</param>
    /// <param name="kernels">[B,K,K], or [1,K,K] for one kernel for all; K odd.</param>
    /// <returns>[B,C,H,W] of the images' type.</returns>
    /// <exception cref="ArgumentException">The kernels are not square and odd, or not as many as the images.</exception>
    public static torch.Tensor Apply(torch.Tensor images, torch.Tensor kernels)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(kernels);
        if (kernels.dim() != 3 || kernels.shape[1] != kernels.shape[2] || kernels.shape[2] % 2 == 0)
            throw new ArgumentException("kernels are [B,K,K] with odd K", nameof(kernels));
        if (kernels.shape[0] != 1 && kernels.shape[0] != images.shape[0])
            throw new ArgumentException($"{kernels.shape[0]} kernels for {images.shape[0]} images", nameof(kernels));
        using var scope = torch.NewDisposeScope();
        kernels = kernels.to(images.dtype, images.device);
        torch.Tensor result = IsPlain(images) ? Vectorised(images.contiguous(), kernels) : Convolved(images, kernels);
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>Filters by the outer product of <paramref name="profile"/> with itself, as two passes of one dimension.</summary>
    /// <param name="images">[B,C,H,W], any range.</param>
    /// <param name="profile">An odd number of weights.</param>
    /// <returns>[B,C,H,W] of the images' type.</returns>
    public static torch.Tensor ApplySeparable(torch.Tensor images, ReadOnlySpan<float> profile)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = torch.NewDisposeScope();
        int size = profile.Length;
        if (!IsPlain(images))
        {
            torch.Tensor line = torch.tensor(profile.ToArray()).to(images.dtype, images.device);
            torch.Tensor kernel = torch.outer(line, line).unsqueeze(0);
            return Convolved(images, kernel).MoveToOuterDisposeScope();
        }
        images = images.contiguous();
        (int planes, int height, int width) = Planes(images);
        torch.Tensor between = torch.empty_like(images);
        torch.Tensor result = torch.empty_like(images);
        CpuCorrelation.Apply(Values(images), Values(between), planes, height, width, profile, size, 1);
        CpuCorrelation.Apply(Values(between), Values(result), planes, height, width, profile, 1, size);
        return result.MoveToOuterDisposeScope();
    }

    private static bool IsPlain(torch.Tensor images) =>
        images.device_type == DeviceType.CPU && images.dtype == torch.float32;

    private static torch.Tensor Vectorised(torch.Tensor images, torch.Tensor kernels)
    {
        (int planes, int height, int width) = Planes(images);
        torch.Tensor result = torch.empty_like(images);
        Span<float> weights = Values(kernels.contiguous());
        int kernelCount = (int)kernels.shape[0];
        int size = (int)kernels.shape[^1];
        int planesEach = planes / kernelCount;
        int values = planesEach * height * width;
        for (int k = 0; k < kernelCount; k++)
        {
            ReadOnlySpan<float> kernel = WithoutZeroBorder(
                weights.Slice(k * size * size, size * size),
                size,
                out int inner
            );
            CpuCorrelation.Apply(
                Values(images).Slice(k * values, values),
                Values(result).Slice(k * values, values),
                planesEach,
                height,
                width,
                kernel,
                inner,
                inner
            );
        }
        return result;
    }

    private static torch.Tensor Convolved(torch.Tensor images, torch.Tensor kernels)
    {
        (long batch, long channels, long height, long width) = (
            images.shape[0],
            images.shape[1],
            images.shape[2],
            images.shape[3]
        );
        long size = kernels.shape[^1];
        torch.Tensor padded = images
            .index_select(2, MirrorIndex(height, size / 2, images.device))
            .index_select(3, MirrorIndex(width, size / 2, images.device));
        // Every plane is a group of its own: [1,B*C,H+,W+] by [B*C,1,K,K].
        padded = padded.reshape(1, batch * channels, height + size - 1, width + size - 1);
        torch.Tensor weights = kernels.expand(batch, -1, -1).repeat_interleave(channels, 0).unsqueeze(1);
        return torch.nn.functional.conv2d(padded, weights, groups: batch * channels).view(images.shape);
    }

    private static torch.Tensor MirrorIndex(long length, long margin, torch.Device device) =>
        torch.tensor(
            [
                .. Enumerable
                    .Range((int)-margin, (int)(length + 2 * margin))
                    .Select(i => (long)CpuCorrelation.Mirror(i, (int)length)),
            ],
            device: device
        );

    // Kernels of 7 to 21 pixels come padded to 21: their zeros cost nothing here.
    private static ReadOnlySpan<float> WithoutZeroBorder(ReadOnlySpan<float> kernel, int size, out int inner)
    {
        int margin = size / 2;
        for (int i = 0; i < kernel.Length; i++)
        {
            if (kernel[i] != 0)
                margin = Math.Min(
                    margin,
                    Math.Min(Math.Min(i / size, size - 1 - i / size), Math.Min(i % size, size - 1 - i % size))
                );
        }
        inner = size - 2 * margin;
        var trimmed = new float[inner * inner];
        for (int row = 0; row < inner; row++)
            kernel.Slice((row + margin) * size + margin, inner).CopyTo(trimmed.AsSpan(row * inner));
        return trimmed;
    }

    private static (int Planes, int Height, int Width) Planes(torch.Tensor images) =>
        ((int)(images.shape[0] * images.shape[1]), (int)images.shape[2], (int)images.shape[3]);

    private static Span<float> Values(torch.Tensor contiguous) => MemoryMarshal.Cast<byte, float>(contiguous.bytes);
}
