using System.Security.Cryptography;
using NetVips;

namespace Coser.Imaging;

/// <summary>Writes photos: makes the pixels fit the format, and lets a file appear only when it is complete.</summary>
internal static class PhotoWriter
{
    private const int MaxNameLength = 200;

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
        string target = Target(path, options.Overwrite);
        string partial = PartialName(target, format);
        try
        {
            using Image fitted = Fitted(pixels, format, notes, out byte[]? profile);
            using Image complete = PhotoMetadata.Apply(fitted, source, profile, format, options.Record, notes);
            Encode(complete, partial, format, options.Quality);
            using (var written = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite))
                written.Flush(flushToDisk: true);
            File.Move(partial, target, options.Overwrite);
        }
        catch (Exception e) when (e is VipsException or IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, target, e);
        }
        finally
        {
            TryDelete(partial);
        }
    }

    // A link is written through, not replaced by a file.
    private static string Target(string path, bool overwrite)
    {
        try
        {
            string target = Path.GetFullPath(path);
            if (Directory.Exists(target))
                throw new PhotoException(path, "it is a folder", "Name a file in it.");
            if (!overwrite && File.Exists(target))
                throw new PhotoException(
                    path,
                    "it exists already",
                    "Choose another name, or allow it with --overwrite."
                );
            if (!Directory.Exists(Path.GetDirectoryName(target)))
                throw new PhotoException(path, "its folder does not exist", "Make the folder first.");
            return File.ResolveLinkTarget(target, returnFinalTarget: true)?.FullName ?? target;
        }
        catch (FileNotFoundException)
        {
            return Path.GetFullPath(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unwritable(path, path, e);
        }
    }

    private static string PartialName(string target, PhotoFormat format)
    {
        string name = Path.GetFileNameWithoutExtension(target);
        // File systems end at 255 bytes, and a character can take four.
        while (System.Text.Encoding.UTF8.GetByteCount(name) > MaxNameLength)
            name = name[..^1];
        string random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        return Path.Combine(
            Path.GetDirectoryName(target)!,
            $".{name}.{Environment.ProcessId}.{random}.partial{format.Extension()}"
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
                image.Jpegsave(file, q: quality ?? 92, optimizeCoding: true);
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

    private static PhotoException Unwritable(string path, string target, Exception e)
    {
        string message = e is VipsException vips ? VipsEngine.Complaint(vips) : e.Message;
        string folder = Path.GetDirectoryName(target) ?? target;
        if (VipsEngine.IsDiskFull(e.Message))
        {
            return new PhotoException(
                path,
                "the disk is full",
                $"Free some space in {folder} or in the temporary folder {Path.GetTempPath()}.",
                e
            );
        }
        return new PhotoException(
            path,
            $"it cannot be written ({message})",
            $"Check that the folder {folder} may be written to, or choose another with -o.",
            e
        );
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The reason it could not be written is the one worth telling.
        }
    }
}
