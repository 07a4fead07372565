using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>Lanczos interpolation with three lobes, half-pixel centres; weights beyond the edges go to those inside.</summary>
internal static class Lanczos
{
    private const int Lobes = 3;

    /// <param name="image">[B,C,h,w].</param>
    /// <param name="scale">At least 1.</param>
    /// <returns>[B,C,h*scale,w*scale], not clamped.</returns>
    public static Tensor Enlarge(Tensor image, int scale) =>
        Resize(image, image.shape[2] * scale, image.shape[3] * scale);

    /// <summary>To any size; where it shrinks, the filter widens (antialiasing).</summary>
    public static Tensor Resize(Tensor image, long height, long width)
    {
        using var scope = NewDisposeScope();
        Tensor down = Weights((int)image.shape[2], (int)height).to(image.dtype);
        Tensor across = Weights((int)image.shape[3], (int)width).to(image.dtype);
        return matmul(matmul(down, image), across.t()).MoveToOuterDisposeScope();
    }

    // [to,from]
    private static Tensor Weights(int from, int to)
    {
        double step = from / (double)to;
        double stretch = Math.Max(1, step);
        var weights = new double[to * from];
        for (int i = 0; i < to; i++)
        {
            double centre = (i + 0.5) * step;
            int first = Math.Max(0, (int)Math.Floor(centre - Lobes * stretch));
            int last = Math.Min(from - 1, (int)Math.Ceiling(centre + Lobes * stretch));
            double sum = 0;
            for (int j = first; j <= last; j++)
                sum += weights[i * from + j] = Kernel((j + 0.5 - centre) / stretch);
            for (int j = first; j <= last; j++)
                weights[i * from + j] /= sum;
        }
        return tensor(weights).view(to, from);
    }

    private static double Kernel(double x) =>
        Math.Abs(x) >= Lobes ? 0
        : x == 0 ? 1
        : Lobes * Math.Sin(Math.PI * x) * Math.Sin(Math.PI * x / Lobes) / (Math.PI * Math.PI * x * x);
}
