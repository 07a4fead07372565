namespace Coser.Training.Degradation;

/// <summary>Shape of a bivariate blur kernel (Real-ESRGAN, section 3.2 "Blur").</summary>
public enum KernelShape
{
    /// <summary>exp(-q/2).</summary>
    Gaussian,

    /// <summary>exp(-q^beta/2): beta below 1 gives heavier tails, above 1 a flatter top.</summary>
    Generalised,

    /// <summary>1/(1 + q^beta): a plateau with soft edges.</summary>
    Plateau,
}

/// <summary>
/// Blur kernels as formulas, in float64. A kernel is a square [size, size] of odd size, indexed [row, column], whose
/// entries sum to 1.
/// </summary>
public static class BlurKernels
{
    /// <summary>
    /// A rotated bivariate kernel of q = v^T S^-1 v, where v is the offset from the centre in pixels and S the covariance
    /// whose axes are <paramref name="sigmaX"/> and <paramref name="sigmaY"/>, turned by <paramref name="rotation"/>.
    /// </summary>
    /// <param name="size">Odd side length in pixels.</param>
    /// <param name="sigmaX">Standard deviation along the first axis, pixels, above 0.</param>
    /// <param name="sigmaY">Standard deviation along the second axis; pass <paramref name="sigmaX"/> for an isotropic kernel.</param>
    /// <param name="rotation">Angle of the first axis, radians.</param>
    /// <param name="beta">Exponent of q; not used by <see cref="KernelShape.Gaussian"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is even, or a standard deviation is not positive.</exception>
    public static double[,] Bivariate(
        KernelShape shape,
        int size,
        double sigmaX,
        double sigmaY,
        double rotation = 0,
        double beta = 1
    )
    {
        RequireOdd(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sigmaX);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sigmaY);
        (double sin, double cos) = Math.SinCos(rotation);
        int radius = size / 2;
        var kernel = new double[size, size];
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column < size; column++)
            {
                double x = column - radius;
                double y = row - radius;
                double along = (cos * x + sin * y) / sigmaX;
                double across = (cos * y - sin * x) / sigmaY;
                double q = along * along + across * across;
                kernel[row, column] = shape switch
                {
                    KernelShape.Gaussian => Math.Exp(-0.5 * q),
                    KernelShape.Generalised => Math.Exp(-0.5 * Math.Pow(q, beta)),
                    KernelShape.Plateau => 1 / (1 + Math.Pow(q, beta)),
                    _ => throw new ArgumentOutOfRangeException(nameof(shape)),
                };
            }
        }
        return Normalise(kernel);
    }

    /// <summary>
    /// The ideal circular low-pass filter ("sinc" kernel: Real-ESRGAN, section 3.4), which leaves the ringing of over-sharpened
    /// and compressed photos: cutoff * J1(cutoff * r) / (2 pi r).
    /// </summary>
    /// <param name="cutoff">Cut-off frequency in radians a pixel, 0 to pi.</param>
    /// <param name="size">Odd side length of the filter.</param>
    /// <param name="padTo">Side length of the result, filled up with zeros; a smaller value means no padding.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is even, or the cut-off is not positive.</exception>
    public static double[,] CircularLowPass(double cutoff, int size, int padTo = 0)
    {
        RequireOdd(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cutoff);
        int radius = size / 2;
        var kernel = new double[size, size];
        // One octant holds every distance; the seven others mirror it.
        for (int a = 0; a <= radius; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double distance = Math.Sqrt(a * a + b * b);
                double value =
                    a == 0
                        ? cutoff * cutoff / (4 * Math.PI)
                        : cutoff * BesselJ1(cutoff * distance) / (2 * Math.PI * distance);
                foreach ((int y, int x) in new[] { (a, b), (b, a) })
                {
                    kernel[radius + y, radius + x] = kernel[radius + y, radius - x] = value;
                    kernel[radius - y, radius + x] = kernel[radius - y, radius - x] = value;
                }
            }
        }
        return Pad(Normalise(kernel), padTo);
    }

    /// <summary>The kernel that changes nothing: a one in the middle of <paramref name="size"/> x <paramref name="size"/> zeros.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is even.</exception>
    public static double[,] Identity(int size)
    {
        RequireOdd(size);
        var kernel = new double[size, size];
        kernel[size / 2, size / 2] = 1;
        return kernel;
    }

    /// <summary>Surrounds a kernel by zeros up to <paramref name="size"/>; a kernel at least as large comes back as it is.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is even and larger than the kernel.</exception>
    public static double[,] Pad(double[,] kernel, int size)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        int own = kernel.GetLength(0);
        if (size <= own)
            return kernel;
        RequireOdd(size);
        int margin = (size - own) / 2;
        var padded = new double[size, size];
        for (int row = 0; row < own; row++)
        {
            for (int column = 0; column < own; column++)
                padded[row + margin, column + margin] = kernel[row, column];
        }
        return padded;
    }

    /// <summary>Values of a one-dimensional Gaussian at <paramref name="size"/> integer offsets from its middle, sum 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is even, or the deviation is not positive.</exception>
    public static double[] Gaussian1D(int size, double sigma)
    {
        RequireOdd(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sigma);
        double[] values =
        [
            .. Enumerable.Range(-(size / 2), size).Select(x => Math.Exp(-0.5 * x * x / (sigma * sigma))),
        ];
        double sum = values.Sum();
        return [.. values.Select(v => v / sum)];
    }

    /// <summary>Bessel function of the first kind, order 1, for x at or above 0.</summary>
    internal static double BesselJ1(double x)
    {
        // Bessel's integral over one period. On a periodic integrand the trapezoidal rule converges faster than any power,
        // once there are more points than the function has wiggles.
        int points = (int)Math.Ceiling(2 * x) + 32;
        double sum = 0;
        for (int i = 0; i < points; i++)
        {
            double t = 2 * Math.PI * i / points;
            sum += Math.Cos(t - x * Math.Sin(t));
        }
        return sum / points;
    }

    private static double[,] Normalise(double[,] kernel)
    {
        double sum = kernel.Cast<double>().Sum();
        for (int row = 0; row < kernel.GetLength(0); row++)
        {
            for (int column = 0; column < kernel.GetLength(1); column++)
                kernel[row, column] /= sum;
        }
        return kernel;
    }

    private static void RequireOdd(int size)
    {
        if (size < 1 || size % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(size), size, "a kernel has an odd side length");
    }
}
