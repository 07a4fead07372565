using static TorchSharp.torch;

namespace Coser.Tests.Training.Captions;

/// <summary>Pictures painted pixel by pixel.</summary>
internal static class PaintedPhotos
{
    public const int Side = 128;

    /// <summary>[3,128,128], uint8.</summary>
    /// <param name="colour">Red, green, blue of the pixel at x, y in [0,1].</param>
    public static Tensor Paint(Func<double, double, (int R, int G, int B)> colour)
    {
        var bytes = new byte[3 * Side * Side];
        for (int i = 0; i < Side * Side; i++)
        {
            (int r, int g, int b) = colour((i % Side + 0.5) / Side, (i / Side + 0.5) / Side);
            (bytes[i], bytes[Side * Side + i], bytes[2 * Side * Side + i]) = ((byte)r, (byte)g, (byte)b);
        }
        return tensor(bytes).reshape(3, Side, Side);
    }

    /// <summary>A coloured disc in the middle of something.</summary>
    public static Tensor Disc((int R, int G, int B) disc, Func<double, double, (int, int, int)> behind) =>
        Paint((x, y) => InDisc(x, y) ? disc : behind(x, y));

    /// <summary>Stripes that differ by a little lightness: texture in focus.</summary>
    public static (int R, int G, int B) Striped((int R, int G, int B) colour, double x, double y)
    {
        int step = ((int)(x * Side) / 2 + (int)(y * Side) / 2) % 2 == 0 ? 22 : -22;
        return (Shift(colour.R), Shift(colour.G), Shift(colour.B));

        int Shift(int value) => Math.Clamp(value + step, 0, 255);
    }

    public static bool InDisc(double x, double y) => (x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5) < 0.09;
}
