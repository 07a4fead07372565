using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics;

/// <summary>
/// How far colours moved, whatever happened to detail: both images are averaged over cells of 16x16 pixels in linear light
/// and compared in CIELAB (D65) by the mean distance Delta E*ab of 1976. 0 for equal images; about 2.3 can just be seen.
/// </summary>
public static class ColourShift
{
    private const int Cell = 16;

    // Linear sRGB to XYZ over the white D65 (IEC 61966-2-1).
    private static readonly double[] X = [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047];
    private static readonly double[] Y = [0.2126729, 0.7151522, 0.0721750];
    private static readonly double[] Z = [0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883];

    /// <summary>The shift of each pair.</summary>
    /// <param name="a">[B,3,H,W] sRGB: floating point in [0,1], or uint8; sides at least 16; what is left beyond whole cells
    /// at the right and below does not count.</param>
    /// <param name="b">The other images, of the same shape.</param>
    /// <returns>B values, not negative.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or a side is too short.</exception>
    public static double[] PerImage(Tensor a, Tensor b)
    {
        ImageInput.RequirePair(a, b, Cell, "colour shift");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return ImageInput.Numbers((Lab(a) - Lab(b)).square().sum(1).sqrt().mean([1, 2]));
    }

    /// <summary>Mean over a batch of <see cref="PerImage"/>.</summary>
    /// <inheritdoc cref="PerImage"/>
    public static double Compute(Tensor a, Tensor b) => PerImage(a, b).Average();

    private static Tensor Lab(Tensor image)
    {
        Tensor value = ImageInput.Levels(image) / 255;
        Tensor linear = where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055).pow(2.4));
        Tensor cells = nn.functional.avg_pool2d(linear, Cell);
        (Tensor fx, Tensor fy, Tensor fz) = (Curve(cells, X), Curve(cells, Y), Curve(cells, Z));
        return cat([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], 1);
    }

    // CIE 15: the cube root with its linear foot.
    private static Tensor Curve(Tensor linear, double[] weights)
    {
        Tensor t = ImageInput.Mix(linear, weights).clamp(min: 0);
        const double Foot = 6.0 / 29;
        return where(t > Foot * Foot * Foot, t.pow(1.0 / 3), t / (3 * Foot * Foot) + 4.0 / 29);
    }
}
