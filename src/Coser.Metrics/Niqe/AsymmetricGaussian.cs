namespace Coser.Metrics.Niqe;

/// <summary>
/// The asymmetric generalised Gaussian fitted to coefficients by moments (Lasmar, Stitou and Berthoumieu, ICIP 2009; NIQE,
/// equation 5): shape alpha, and a scale for either side.
/// </summary>
internal readonly record struct AsymmetricGaussian(double Alpha, double Left, double Right)
{
    private const int Shapes = 9801;

    // alpha -> Gamma(2/alpha)^2 / (Gamma(1/alpha) Gamma(3/alpha)): rises with alpha.
    private static readonly double[] Ratios =
    [
        .. Enumerable
            .Range(0, Shapes)
            .Select(i => 1 / Shape(i))
            .Select(r => Gamma(2 * r) * Gamma(2 * r) / (Gamma(r) * Gamma(3 * r))),
    ];

    /// <summary>The mean of the distribution (equation 8).</summary>
    public double Mean => (Right - Left) * (Gamma(2 / Alpha) / Gamma(1 / Alpha));

    /// <summary>Fits; all NaN where the values lie on one side only.</summary>
    public static AsymmetricGaussian Fit(ReadOnlySpan<float> values)
    {
        double left = 0,
            right = 0,
            magnitude = 0;
        int lefts = 0,
            rights = 0;
        foreach (float value in values)
        {
            double square = (double)value * value;
            magnitude += Math.Abs(value);
            if (value < 0)
                (left, lefts) = (left + square, lefts + 1);
            else if (value > 0)
                (right, rights) = (right + square, rights + 1);
        }
        if (lefts == 0 || rights == 0)
            return new(double.NaN, double.NaN, double.NaN);
        double mean = magnitude / values.Length;
        double ratio = mean * mean / ((left + right) / values.Length);
        double leftStd = Math.Sqrt(left / lefts);
        double rightStd = Math.Sqrt(right / rights);
        double g = leftStd / rightStd;
        double wanted = ratio * (g * g * g + 1) * (g + 1) / ((g * g + 1) * (g * g + 1));
        double alpha = Shape(Nearest(wanted));
        double scale = Math.Sqrt(Gamma(1 / alpha) / Gamma(3 / alpha));
        return new(alpha, leftStd * scale, rightStd * scale);
    }

    private static double Shape(int index) => 0.2 + index * 0.001;

    private static int Nearest(double ratio)
    {
        int above = Array.BinarySearch(Ratios, ratio);
        above = above < 0 ? ~above : above;
        if (above == 0)
            return 0;
        if (above == Shapes)
            return Shapes - 1;
        return Ratios[above] - ratio < ratio - Ratios[above - 1] ? above : above - 1;
    }

    /// <summary>The gamma function for positive numbers (Lanczos, g = 7, nine terms: 15 digits).</summary>
    internal static double Gamma(double x)
    {
        if (x < 0.5)
            return Math.PI / (Math.Sin(Math.PI * x) * Gamma(1 - x));
        x--;
        double sum = 0.99999999999980993;
        ReadOnlySpan<double> terms =
        [
            676.5203681218851,
            -1259.1392167224028,
            771.32342877765313,
            -176.61502916214059,
            12.507343278686905,
            -0.13857109526572012,
            9.9843695780195716e-6,
            1.5056327351493116e-7,
        ];
        for (int i = 0; i < terms.Length; i++)
            sum += terms[i] / (x + i + 1);
        double t = x + terms.Length - 0.5;
        return Math.Sqrt(2 * Math.PI) * Math.Pow(t, x + 0.5) * Math.Exp(-t) * sum;
    }
}
