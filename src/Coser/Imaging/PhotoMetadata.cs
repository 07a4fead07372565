using NetVips;

namespace Coser.Imaging;

/// <summary>Carries a photo's metadata to the file that is written, less what no longer holds.</summary>
internal static class PhotoMetadata
{
    public const string XmpField = "xmp-data";
    public const string IptcField = "iptc-data";

    // A JPEG segment holds 65533 bytes less the XMP signature; libvips silently leaves out a larger packet.
    private const int MaxJpegXmp = 65_500;
    private const string ExifField = "exif-data";
    private static readonly string[] Kept = ["image-description", "resolution-unit"];

    /// <summary>A copy of <paramref name="image"/> that has exactly the metadata to be written.</summary>
    /// <param name="source">The upright original, with the metadata it was read with.</param>
    /// <param name="profile">The ICC profile to embed; null embeds none.</param>
    public static Image Apply(
        Image image,
        Image source,
        byte[]? profile,
        PhotoFormat format,
        string? record,
        List<string> notes
    )
    {
        (double xres, double yres) = Resolution(source);
        byte[]? xmp = Xmp(image, source, format, record, notes);
        byte[]? iptc = Iptc(source, format, notes);
        if (format == PhotoFormat.Tiff && source.Contains(ExifField))
            Note(notes, "TIFF output keeps XMP and IPTC but not EXIF");
        using Image copy = image.Copy(xres: xres, yres: yres);
        return copy.Mutate(target =>
        {
            foreach (string field in image.GetFields())
            {
                // Those of the image itself (its size and the like) cannot be removed and stay.
                target.Remove(field);
            }
            if (Blob(source, ExifField) is { } exif)
                target.Set(GValue.BlobType, ExifField, ExifBlock.WithoutThumbnail(exif));
            foreach (string field in source.GetFields())
            {
                bool isExif = field.StartsWith("exif-ifd", StringComparison.Ordinal);
                bool isThumbnail = field.StartsWith("exif-ifd1-", StringComparison.Ordinal);
                if ((isExif && !isThumbnail) || Kept.Contains(field))
                    target.Set(source.GetTypeOf(field), field, source.Get(field));
            }
            // Fields count in the order they are set, and the EXIF block still holds the old orientation.
            target.Set(GValue.GIntType, "orientation", 1);
            if (profile is not null)
                target.Set(GValue.BlobType, PhotoPixels.ProfileField, profile);
            if (xmp is not null)
                target.Set(GValue.BlobType, XmpField, xmp);
            if (iptc is not null)
                target.Set(GValue.BlobType, IptcField, iptc);
        });
    }

    /// <summary>Adds a note once, however often a photo is saved.</summary>
    public static void Note(List<string> notes, string note)
    {
        if (!notes.Contains(note))
            notes.Add(note);
    }

    private static byte[]? Xmp(Image image, Image source, PhotoFormat format, string? record, List<string> notes)
    {
        byte[]? existing = Blob(source, XmpField);
        byte[]? packet = XmpPacket.Update(existing, image.Width, image.Height, record, out bool sound);
        if (!sound)
            Note(notes, "the XMP packet is damaged: kept as it is" + (record is null ? "" : ", without a record"));
        if (format != PhotoFormat.Jpeg || packet is null || packet.Length <= MaxJpegXmp)
            return packet;
        Note(notes, $"the XMP packet of {packet.Length} bytes is too large for JPEG and is left out");
        return XmpPacket.Update(null, image.Width, image.Height, record, out _);
    }

    private static byte[]? Iptc(Image source, PhotoFormat format, List<string> notes)
    {
        byte[]? iptc = Blob(source, IptcField);
        if (iptc is null)
            return null;
        if (format == PhotoFormat.Jpeg)
            return IptcBlock.For(format, iptc);
        if (format == PhotoFormat.Tiff && IptcBlock.For(format, iptc) is { } records)
        {
            // libvips writes a quarter of what it is given: it counts words where libtiff counts bytes.
            Array.Resize(ref records, 4 * records.Length);
            return records;
        }
        Note(notes, $"IPTC data cannot be kept in {format}; XMP and EXIF are");
        return null;
    }

    // WebP and AVIF have no resolution but EXIF's, which the decoder leaves there and the encoder overwrites.
    private static (double X, double Y) Resolution(Image source)
    {
        if (source.Xres != 1 || source.Yres != 1)
            return (source.Xres, source.Yres);
        double perMillimetre = Exif(source, "exif-ifd0-ResolutionUnit") == 3 ? 10 : 25.4;
        return (
            Exif(source, "exif-ifd0-XResolution") is { } x ? x / perMillimetre : source.Xres,
            Exif(source, "exif-ifd0-YResolution") is { } y ? y / perMillimetre : source.Yres
        );
    }

    // libvips shows EXIF values as "raw (formatted, type, count, size)", fractions as "300/1".
    private static double? Exif(Image source, string field)
    {
        if (!source.Contains(field) || source.Get(field) is not string text)
            return null;
        string[] parts = text.Split(' ')[0].Split('/');
        bool sound =
            double.TryParse(parts[0], out double value)
            & (parts.Length == 1 | double.TryParse(parts[^1], out double divisor));
        if (!sound)
            return null;
        double result = parts.Length == 1 ? value : value / divisor;
        return double.IsFinite(result) && result > 0 ? result : null;
    }

    private static byte[]? Blob(Image source, string field) =>
        source.Contains(field) ? source.Get(field) as byte[] : null;
}
