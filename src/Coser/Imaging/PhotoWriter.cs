using NetVips;

namespace Coser.Imaging;

/// <summary>Writes photos: makes pixels and metadata fit the format, and encodes them.</summary>
internal static class PhotoWriter
{
    public static void Save(string path, SaveOptions options, PhotoPixels pixels, Image source, List<string> notes)
    {
        PhotoFormat format =
            options.Format
            ?? PhotoFormats.FromPath(path)
            ?? throw new PhotoException(
                path,
                "its extension names no format that can be written",
                $"Use one of {PhotoFormats.Names}, as the extension or with --format."
            );
        if (options.Quality is < 1 or > 100)
            throw new ArgumentOutOfRangeException(nameof(options), $"quality {options.Quality} is not in 1 to 100");
        format.CheckSize(path, pixels.Own.Width, pixels.Own.Height);
        string target = AtomicFile.Target(path, options.Overwrite);
        AtomicFile.Write(
            path,
            target,
            format,
            options.Overwrite,
            partial =>
            {
                using Image fitted = Fitted(pixels, format, notes, out byte[]? profile);
                using Image complete = PhotoMetadata.Apply(fitted, source, profile, format, options.Record, notes);
                Encode(complete, partial, format, options.Quality);
            }
        );
    }

    private static Image Fitted(PhotoPixels pixels, PhotoFormat format, List<string> notes, out byte[]? profile)
    {
        int bits = format.CanHold16Bit() ? pixels.BitDepth : 8;
        if (bits < pixels.BitDepth)
            PhotoMetadata.Note(notes, $"{format} holds 8 bits a channel: 16 were rounded to 8");
        // A grey profile fits no RGB file, so where grey must become RGB the colours become sRGB.
        bool keepsProfile = !pixels.IsGreyscale || format.CanHoldGreyscale();
        profile = keepsProfile ? pixels.Profile?.Bytes : null;
        Image colour = PixelDepth.To(keepsProfile ? pixels.Own : pixels.Srgb, bits);
        if (pixels.Alpha is null)
            return colour;
        Image joined = PixelDepth.Tagged(colour.Bandjoin(PixelDepth.To(pixels.Alpha, bits)));
        if (format.CanHoldAlpha())
            return joined;
        PhotoMetadata.Note(notes, $"{format} has no transparency: laid on white");
        return PixelDepth.Tagged(joined.Flatten(background: [255], maxAlpha: 255).Rint().Cast(Enums.BandFormat.Uchar));
    }

    private static void Encode(Image image, string file, PhotoFormat format, int? quality)
    {
        switch (format)
        {
            case PhotoFormat.Jpeg:
                // Optimal tables save a few percent, but take two passes and all coefficients in memory.
                bool isSmall = (long)image.Width * image.Height <= 1 << 24;
                image.Jpegsave(file, q: quality ?? 92, optimizeCoding: isSmall);
                break;
            case PhotoFormat.Png:
                image.Pngsave(
                    file,
                    filter: Enums.ForeignPngFilter.All,
                    bitdepth: image.Format == Enums.BandFormat.Uchar ? 8 : 16
                );
                break;
            case PhotoFormat.WebP:
                image.Webpsave(file, q: quality ?? 90, smartSubsample: true);
                break;
            case PhotoFormat.Tiff:
                // Classic TIFF ends at 4 GB; deflate can lengthen what it cannot shorten.
                long bytes = (long)image.Width * image.Height * image.Bands * 2;
                image.Tiffsave(
                    file,
                    compression: Enums.ForeignTiffCompression.Deflate,
                    predictor: Enums.ForeignTiffPredictor.Horizontal,
                    bigtiff: bytes > 3L << 30
                );
                break;
            default:
                image.Heifsave(
                    file,
                    q: quality ?? 80,
                    bitdepth: image.Format == Enums.BandFormat.Uchar ? 8 : 12,
                    compression: Enums.ForeignHeifCompression.Av1
                );
                break;
        }
    }
}
