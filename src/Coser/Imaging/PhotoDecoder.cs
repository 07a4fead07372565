using NetVips;

namespace Coser.Imaging;

/// <summary>A file decoded but not interpreted: upright pixels as libvips gives them, with the metadata they came with.</summary>
internal sealed record DecodedFile(Image Upright, PhotoFormat? Format, List<string> Notes);

/// <summary>An encoded photo: a file, or bytes with a name for messages.</summary>
internal readonly record struct EncodedPhoto(string Path, byte[]? Bytes = null);

/// <summary>Opens image files. The kind is told from the first bytes, so that only the decoders named here ever run.</summary>
internal static class PhotoDecoder
{
    private const int HeadBytes = 64;

    private enum Kind
    {
        Jpeg,
        Png,
        WebP,
        Tiff,
        Heif,
        Gif,
    }

    /// <summary>Decodes the file and turns it upright.</summary>
    /// <exception cref="PhotoException">The file is missing, no image, damaged or larger than the limit.</exception>
    public static DecodedFile Open(EncodedPhoto photo, PhotoLimits limits)
    {
        VipsEngine.EnsureLoaded();
        string path = photo.Path;
        Kind kind = Recognise(photo);
        TiffFacts? tiff = kind == Kind.Tiff ? TiffDirectory.Read(photo) : null;
        var notes = new List<string>();
        Image image = VipsEngine.Reading(path, () => Load(kind, photo, Enums.FailOn.Error));
        try
        {
            CheckSize(path, image, limits);
            image = VipsEngine.Reading(
                path,
                () => tiff is { IsTiled: true } ? DecodeTiles(photo, image) : Decode(kind, photo, image, notes)
            );
            NoteFrames(image, notes);
            PhotoFormat? format = FormatOf(kind, image);
            using Image decoded = image;
            return new DecodedFile(
                VipsEngine.Reading(path, () => WithIptc(Upright(kind, decoded), tiff?.Iptc)),
                format,
                notes
            );
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>A metadata blob of the file, read without decoding any pixels; null when there is none.</summary>
    /// <exception cref="PhotoException">The file is missing, no image or damaged.</exception>
    public static byte[]? ReadBlob(string path, string field)
    {
        VipsEngine.EnsureLoaded();
        var photo = new EncodedPhoto(path);
        Kind kind = Recognise(photo);
        return VipsEngine.Reading(
            path,
            () =>
            {
                using Image image = Load(kind, photo, Enums.FailOn.None);
                return image.Contains(field) ? image.Get(field) as byte[] : null;
            }
        );
    }

    /// <summary>Size and format of a file, without decoding any pixels.</summary>
    /// <exception cref="PhotoException">The file is missing, no image, or its header is damaged.</exception>
    public static PhotoHeader ReadHeader(string path)
    {
        VipsEngine.EnsureLoaded();
        var photo = new EncodedPhoto(path);
        Kind kind = Recognise(photo);
        return VipsEngine.Reading(
            path,
            () =>
            {
                using Image image = Load(kind, photo, Enums.FailOn.Error);
                return IsTurned(kind, image)
                    ? new PhotoHeader(image.Height, image.Width, FormatOf(kind, image))
                    : new PhotoHeader(image.Width, image.Height, FormatOf(kind, image));
            }
        );
    }

    /// <summary>A file as it is, or shrunk by its decoder where that can, to no less than a size. Not decoded yet.</summary>
    /// <param name="longestSide">The size that is wanted, in pixels.</param>
    /// <exception cref="PhotoException">The file is missing, no image, or larger than the limit.</exception>
    public static Image OpenShrunk(string path, int longestSide, PhotoLimits limits)
    {
        VipsEngine.EnsureLoaded();
        var photo = new EncodedPhoto(path);
        Kind kind = Recognise(photo);
        Image image = VipsEngine.Reading(path, () => Load(kind, photo, Enums.FailOn.None));
        try
        {
            CheckSize(path, image, limits);
            int factor = Math.Max(image.Width, image.Height) / longestSide;
            if (kind != Kind.Jpeg || factor < 2)
                return image;
            int shrink =
                factor >= 8 ? 8
                : factor >= 4 ? 4
                : 2;
            Image small = VipsEngine.Reading(path, () => Image.Jpegload(path, shrink: shrink));
            image.Dispose();
            return small;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    private static Kind Recognise(EncodedPhoto photo)
    {
        string path = photo.Path;
        Span<byte> space = stackalloc byte[HeadBytes];
        ReadOnlySpan<byte> head = photo.Bytes is { } bytes
            ? bytes.AsSpan(0, Math.Min(bytes.Length, HeadBytes))
            : Head(path, space);
        if (head.IsEmpty)
            throw new PhotoException(path, "it is empty (0 bytes)", "Fetch or export the photo again.")
            {
                IsNoPhoto = true,
            };
        return Recognise(head)
            ?? throw new PhotoException(
                path,
                "it is not a photo of a kind that is read here (JPEG, PNG, WebP, TIFF, AVIF, GIF)",
                "Export it as one of these."
            )
            {
                IsNoPhoto = true,
            };
    }

    private static ReadOnlySpan<byte> Head(string path, Span<byte> head)
    {
        try
        {
            if (Directory.Exists(path))
                throw new PhotoException(path, "it is a folder", "Name a photo in it.");
            using FileStream file = new(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete,
                0
            );
            return head[..file.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new PhotoException(path, "there is no such file", "Check the name.", e);
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new PhotoException(
                path,
                $"it cannot be opened ({e.Message})",
                "Check the name and its permissions.",
                e
            );
        }
    }

    private static Kind? Recognise(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
            return Kind.Jpeg;
        if (head.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
            return Kind.Png;
        if (head.Length >= 12 && head.StartsWith("RIFF"u8) && head[8..].StartsWith("WEBP"u8))
            return Kind.WebP;
        if (
            head.StartsWith("II*\0"u8)
            || head.StartsWith("MM\0*"u8)
            || head.StartsWith("II+\0"u8)
            || head.StartsWith("MM\0+"u8)
        )
            return Kind.Tiff;
        if (head.StartsWith("GIF8"u8))
            return Kind.Gif;
        return head.Length >= 12 && head[4..].StartsWith("ftyp"u8) ? Kind.Heif : null;
    }

    // Random access: photos are read in tiles and turned by 90 degrees. libvips keeps large ones in a temporary file.
    private static Image Load(Kind kind, EncodedPhoto photo, Enums.FailOn failOn) =>
        (kind, photo) switch
        {
            (Kind.Jpeg, { Bytes: { } bytes }) => Image.JpegloadBuffer(bytes, failOn: failOn),
            (Kind.Png, { Bytes: { } bytes }) => Image.PngloadBuffer(bytes, failOn: failOn),
            (Kind.WebP, { Bytes: { } bytes }) => Image.WebploadBuffer(bytes, failOn: failOn),
            (Kind.Tiff, { Bytes: { } bytes }) => Image.TiffloadBuffer(bytes, failOn: failOn),
            (Kind.Heif, { Bytes: { } bytes }) => Image.HeifloadBuffer(bytes, failOn: failOn),
            (Kind.Gif, { Bytes: { } bytes }) => Image.GifloadBuffer(bytes, failOn: failOn),
            (Kind.Jpeg, _) => Image.Jpegload(photo.Path, failOn: failOn),
            (Kind.Png, _) => Image.Pngload(photo.Path, failOn: failOn),
            (Kind.WebP, _) => Image.Webpload(photo.Path, failOn: failOn),
            (Kind.Tiff, _) => Image.Tiffload(photo.Path, failOn: failOn),
            (Kind.Heif, _) => Image.Heifload(photo.Path, failOn: failOn),
            _ => Image.Gifload(photo.Path, failOn: failOn),
        };

    private static void CheckSize(string path, Image image, PhotoLimits limits)
    {
        long pixels = (long)image.Width * image.Height;
        if (pixels > limits.MaxPixels)
        {
            throw new PhotoException(
                path,
                $"it has {image.Width} x {image.Height} = {pixels} pixels, more than the limit of {limits.MaxPixels}",
                $"If you trust the file, raise the limit with --max-pixels {pixels}."
            );
        }
    }

    // Fetching one pixel decodes all of it, so that damage is found here and not after minutes of work.
    private static Image Decode(Kind kind, EncodedPhoto photo, Image image, List<string> notes)
    {
        if (kind != Kind.Jpeg)
        {
            Touch(image);
            return image;
        }
        // libjpeg paints over bad data and calls it a warning; many cameras' files earn harmless warnings too.
        Image strict = Load(kind, photo, Enums.FailOn.Warning);
        try
        {
            Touch(strict);
            image.Dispose();
            return strict;
        }
        catch (VipsException e)
        {
            strict.Dispose();
            Touch(image);
            notes.Add($"the file has flaws that its decoder passed over ({VipsEngine.Complaint(e)})");
            return image;
        }
    }

    // A tile that cannot be decoded is left black without a word, unless warnings count as failures too.
    private static Image DecodeTiles(EncodedPhoto photo, Image image)
    {
        Image decoded = VipsEngine.Settled(Load(Kind.Tiff, photo, Enums.FailOn.Warning));
        image.Dispose();
        return decoded;
    }

    private static void Touch(Image image) => image.Getpoint(image.Width - 1, image.Height - 1);

    private static Image Upright(Kind kind, Image image)
    {
        if (kind != Kind.Heif)
            return image.Autorot();
        // HEIF turns pixels by its own boxes, which the decoder has obeyed; the EXIF tag only repeats them.
        return image.Mutate(m =>
        {
            m.Remove("orientation");
            m.Remove("exif-ifd0-Orientation");
        });
    }

    private static Image WithIptc(Image image, byte[]? iptc)
    {
        if (iptc is null)
            return image;
        using (image)
            return image.Mutate(m => m.Set(GValue.BlobType, PhotoMetadata.IptcField, iptc));
    }

    private static void NoteFrames(Image image, List<string> notes)
    {
        if (image.Contains("n-pages") && image.Get("n-pages") is int pages and > 1)
            notes.Add($"only the first of {pages} frames is used");
        if (image.Contains("gainmap-data") || image.Contains("gainmap"))
            notes.Add("the HDR gain map is not used; the standard picture is");
    }

    private static PhotoFormat? FormatOf(Kind kind, Image image) =>
        kind switch
        {
            Kind.Jpeg => PhotoFormat.Jpeg,
            Kind.Png => PhotoFormat.Png,
            Kind.WebP => PhotoFormat.WebP,
            Kind.Tiff => PhotoFormat.Tiff,
            Kind.Heif when Text(image, "heif-compression") == "av1" => PhotoFormat.Avif,
            _ => null,
        };

    // EXIF orientations 5 to 8 lie on their side.
    private static bool IsTurned(Kind kind, Image image) =>
        kind != Kind.Heif && image.Contains("orientation") && image.Get("orientation") is int and >= 5 and <= 8;

    private static string? Text(Image image, string field) => image.Contains(field) ? image.Get(field) as string : null;
}
