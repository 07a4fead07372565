using NetVips;

namespace Coser.Imaging;

/// <summary>8 and 16 bits: v and 257 v are the same value, and back it is rounded (libvips' own cast only shifts).</summary>
internal static class PixelDepth
{
    /// <summary>Largest value: 255 or 65535.</summary>
    public static double Max(Image image) => image.Format == Enums.BandFormat.Uchar ? 255 : 65535;

    public static Image To16(Image image) =>
        image.Format == Enums.BandFormat.Ushort
            ? Tagged(image)
            : Tagged(image.Linear([257.0], [0.0]).Cast(Enums.BandFormat.Ushort));

    public static Image To8(Image image) =>
        image.Format == Enums.BandFormat.Uchar
            ? Tagged(image)
            : Tagged(image.Linear([1 / 257.0], [0.0]).Rint().Cast(Enums.BandFormat.Uchar));

    public static Image To(Image image, int bits) => bits == 8 ? To8(image) : To16(image);

    /// <summary>Rounds a float image in [0,65535], clipping what lies outside.</summary>
    public static Image Round16(Image image) => Tagged(image.Rint().Cast(Enums.BandFormat.Ushort));

    // Savers and colour transforms go by this tag, and arithmetic loses it.
    public static Image Tagged(Image image)
    {
        bool eight = image.Format == Enums.BandFormat.Uchar;
        Enums.Interpretation tag =
            image.Bands <= 2 ? (eight ? Enums.Interpretation.Bw : Enums.Interpretation.Grey16)
            : eight ? Enums.Interpretation.Srgb
            : Enums.Interpretation.Rgb16;
        return image.Copy(interpretation: tag);
    }
}
