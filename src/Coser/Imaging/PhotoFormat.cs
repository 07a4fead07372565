using System.Diagnostics.CodeAnalysis;

namespace Coser.Imaging;

/// <summary>The formats that photos are written in; all of them are read as well.</summary>
public enum PhotoFormat
{
    /// <summary>JPEG: 8 bits, no alpha, lossy.</summary>
    Jpeg,

    /// <summary>PNG: 8 or 16 bits, alpha, lossless.</summary>
    Png,

    /// <summary>WebP: 8 bits, alpha, lossy here.</summary>
    WebP,

    /// <summary>TIFF: 8 or 16 bits, alpha, lossless (deflate).</summary>
    Tiff,

    /// <summary>AVIF: 8 or 12 bits, alpha, lossy here.</summary>
    Avif,
}

/// <summary>What each <see cref="PhotoFormat"/> is called and what it can hold.</summary>
public static class PhotoFormats
{
    /// <summary>The names a user may give, for messages.</summary>
    public const string Names = "jpeg, png, webp, tiff, avif";

    /// <summary>The format of a name or extension (with or without its dot, in any case); false when there is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? name, out PhotoFormat format)
    {
        PhotoFormat? found = name?.TrimStart('.').ToUpperInvariant() switch
        {
            "JPG" or "JPEG" or "JPE" or "JFIF" => PhotoFormat.Jpeg,
            "PNG" => PhotoFormat.Png,
            "WEBP" => PhotoFormat.WebP,
            "TIF" or "TIFF" => PhotoFormat.Tiff,
            "AVIF" => PhotoFormat.Avif,
            _ => null,
        };
        format = found.GetValueOrDefault();
        return found is not null;
    }

    /// <summary>The format that the extension of <paramref name="path"/> names; null when it names none.</summary>
    public static PhotoFormat? FromPath(string path) =>
        TryParse(Path.GetExtension(path), out PhotoFormat format) ? format : null;

    /// <summary>Whether a file with this extension is worth opening: the formats above, GIF and HEIF.</summary>
    public static bool IsReadable(string path) =>
        FromPath(path) is not null || Path.GetExtension(path).ToUpperInvariant() is ".GIF" or ".HEIC" or ".HEIF";

    /// <summary>The usual extension, with its dot.</summary>
    public static string Extension(this PhotoFormat format) =>
        format switch
        {
            PhotoFormat.Jpeg => ".jpg",
            PhotoFormat.Png => ".png",
            PhotoFormat.WebP => ".webp",
            PhotoFormat.Tiff => ".tif",
            _ => ".avif",
        };

    /// <summary>Whether more than 8 bits a sample are kept (AVIF keeps 12 of 16).</summary>
    public static bool CanHold16Bit(this PhotoFormat format) =>
        format is PhotoFormat.Png or PhotoFormat.Tiff or PhotoFormat.Avif;

    /// <summary>Whether transparency is kept.</summary>
    public static bool CanHoldAlpha(this PhotoFormat format) => format != PhotoFormat.Jpeg;

    /// <summary>Whether a single channel is kept as such; the others store greyscale as RGB.</summary>
    public static bool CanHoldGreyscale(this PhotoFormat format) =>
        format is PhotoFormat.Jpeg or PhotoFormat.Png or PhotoFormat.Tiff;

    /// <summary>Longest side in pixels that the format, or its encoder here, can write.</summary>
    public static int MaxSide(this PhotoFormat format) =>
        format switch
        {
            // The format's is 65535; libjpeg ends earlier.
            PhotoFormat.Jpeg => 65_500,
            PhotoFormat.WebP => 16_383,
            PhotoFormat.Avif => 16_384,
            // libvips' own bound on an image.
            _ => 100_000_000,
        };

    /// <summary>Refuses an output that the format cannot hold; call it before the work, not after.</summary>
    /// <param name="path">The output file, for the message.</param>
    /// <exception cref="PhotoException">A side is longer than <see cref="MaxSide"/>.</exception>
    public static void CheckSize(this PhotoFormat format, string path, long width, long height)
    {
        if (Math.Max(width, height) > format.MaxSide())
        {
            throw new PhotoException(
                path,
                $"{width} x {height} pixels are more than {format} can hold ({format.MaxSide()} a side)",
                "Write PNG or TIFF (--format png), or choose a smaller --scale."
            );
        }
    }
}
