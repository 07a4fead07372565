using System.Buffers.Binary;

namespace Coser.Imaging;

/// <summary>The EXIF block of a photo, as libvips hands it over: a small TIFF behind a signature.</summary>
internal static class ExifBlock
{
    private static ReadOnlySpan<byte> Signature => "Exif\0\0"u8;

    /// <summary>
    /// A copy without its second directory, which describes the thumbnail: the small picture's, and stale. Dropping
    /// libvips' thumbnail field is not enough, the old one stays in the block.
    /// </summary>
    public static byte[] WithoutThumbnail(byte[] exif)
    {
        byte[] copy = [.. exif];
        Span<byte> tiff = copy.AsSpan().StartsWith(Signature) ? copy.AsSpan(Signature.Length) : copy;
        if (tiff.Length < 8)
            return copy;
        bool little = tiff[0] == 'I';
        uint directory = little
            ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..])
            : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
            return copy;
        Span<byte> entries = tiff[(int)directory..];
        int count = little
            ? BinaryPrimitives.ReadUInt16LittleEndian(entries)
            : BinaryPrimitives.ReadUInt16BigEndian(entries);
        // Two bytes of count, twelve an entry, then the offset of the next directory: none.
        int next = 2 + (12 * count);
        if (next + 4 <= entries.Length)
            entries.Slice(next, 4).Clear();
        return copy;
    }
}
