using System.Buffers;
using System.Runtime.Intrinsics;

namespace Coser.Training.Degradation;

/// <summary>
/// Correlation of single planes with large kernels, vectorised. libtorch's convolutions are made for many channels; with one
/// they unfold the image first and spend several times the arithmetic on moving memory.
/// </summary>
internal static unsafe class CpuCorrelation
{
    private const int Lanes = 8;
    private const int Block = 4 * Lanes;

    /// <summary>Correlates <paramref name="planes"/> planes of height x width with one kernel, borders mirrored without repeating the edge.</summary>
    /// <param name="input">planes x height x width values.</param>
    /// <param name="output">The same size; may not overlap the input.</param>
    /// <param name="kernel">kernelHeight x kernelWidth values, row by row, both odd.</param>
    public static void Apply(
        ReadOnlySpan<float> input,
        Span<float> output,
        int planes,
        int height,
        int width,
        ReadOnlySpan<float> kernel,
        int kernelHeight,
        int kernelWidth
    )
    {
        int marginY = kernelHeight / 2;
        int marginX = kernelWidth / 2;
        int stride = width + 2 * marginX + Block;
        int rows = height + 2 * marginY + 1;
        float[] padded = ArrayPool<float>.Shared.Rent(rows * stride);
        float[] weights = ArrayPool<float>.Shared.Rent((kernelHeight + 2) * kernelWidth);
        try
        {
            // A row of zeros above and below lets two output rows share every load (see Rows).
            Array.Clear(weights, 0, (kernelHeight + 2) * kernelWidth);
            kernel.CopyTo(weights.AsSpan(kernelWidth));
            Array.Clear(padded, 0, rows * stride);
            int plane = height * width;
            fixed (float* from = padded)
            fixed (float* w = weights)
            fixed (float* to = output)
            {
                for (int p = 0; p < planes; p++)
                {
                    Pad(input.Slice(p * plane, plane), padded, height, width, marginY, marginX, stride);
                    Rows(from, stride, to + p * plane, height, width, w, kernelHeight, kernelWidth);
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(padded);
            ArrayPool<float>.Shared.Return(weights);
        }
    }

    /// <summary>Index inside 0..length-1 that position i stands for when the line is mirrored at both ends, as often as needed.</summary>
    public static int Mirror(int i, int length)
    {
        if (length == 1)
            return 0;
        int period = 2 * (length - 1);
        i = Math.Abs(i) % period;
        return i < length ? i : period - i;
    }

    private static void Pad(
        ReadOnlySpan<float> plane,
        Span<float> padded,
        int height,
        int width,
        int marginY,
        int marginX,
        int stride
    )
    {
        for (int y = 0; y < height + 2 * marginY; y++)
        {
            ReadOnlySpan<float> source = plane.Slice(Mirror(y - marginY, height) * width, width);
            Span<float> row = padded.Slice(y * stride, stride);
            source.CopyTo(row[marginX..]);
            for (int x = 0; x < marginX; x++)
            {
                row[x] = source[Mirror(x - marginX, width)];
                row[marginX + width + x] = source[Mirror(width + x, width)];
            }
        }
    }

    // Two output rows at a time: an input row meets the upper one with kernel row i and the lower one with kernel row i - 1.
    private static void Rows(
        float* padded,
        int stride,
        float* output,
        int height,
        int width,
        float* weights,
        int kernelHeight,
        int kernelWidth
    )
    {
        float* spill = stackalloc float[2 * Block];
        for (int y = 0; y < height; y += 2)
        {
            for (int x = 0; x < width; x += Block)
            {
                Vector256<float> a0 = default,
                    a1 = default,
                    a2 = default,
                    a3 = default,
                    b0 = default,
                    b1 = default,
                    b2 = default,
                    b3 = default;
                for (int i = 0; i <= kernelHeight; i++)
                {
                    float* from = padded + (y + i) * stride + x;
                    float* lower = weights + i * kernelWidth;
                    float* upper = lower + kernelWidth;
                    for (int j = 0; j < kernelWidth; j++, from++)
                    {
                        Vector256<float> u = Vector256.Create(upper[j]);
                        Vector256<float> l = Vector256.Create(lower[j]);
                        Vector256<float> v = Vector256.Load(from);
                        a0 = Vector256.MultiplyAddEstimate(v, u, a0);
                        b0 = Vector256.MultiplyAddEstimate(v, l, b0);
                        v = Vector256.Load(from + Lanes);
                        a1 = Vector256.MultiplyAddEstimate(v, u, a1);
                        b1 = Vector256.MultiplyAddEstimate(v, l, b1);
                        v = Vector256.Load(from + 2 * Lanes);
                        a2 = Vector256.MultiplyAddEstimate(v, u, a2);
                        b2 = Vector256.MultiplyAddEstimate(v, l, b2);
                        v = Vector256.Load(from + 3 * Lanes);
                        a3 = Vector256.MultiplyAddEstimate(v, u, a3);
                        b3 = Vector256.MultiplyAddEstimate(v, l, b3);
                    }
                }
                a0.Store(spill);
                a1.Store(spill + Lanes);
                a2.Store(spill + 2 * Lanes);
                a3.Store(spill + 3 * Lanes);
                b0.Store(spill + 4 * Lanes);
                b1.Store(spill + 5 * Lanes);
                b2.Store(spill + 6 * Lanes);
                b3.Store(spill + 7 * Lanes);
                int bytes = Math.Min(Block, width - x) * sizeof(float);
                float* to = output + y * width + x;
                Buffer.MemoryCopy(spill, to, bytes, bytes);
                if (y + 1 < height)
                    Buffer.MemoryCopy(spill + Block, to + width, bytes, bytes);
            }
        }
    }
}
