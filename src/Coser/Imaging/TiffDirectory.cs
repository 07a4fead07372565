using System.Buffers.Binary;

namespace Coser.Imaging;

/// <summary>What libvips does not tell of a TIFF.</summary>
/// <param name="IsTiled">The picture is stored in tiles.</param>
/// <param name="Iptc">The IPTC records; where they are stored as words, libvips gives only a quarter of them.</param>
internal sealed record TiffFacts(bool IsTiled, byte[]? Iptc);

/// <summary>
/// Reads the first directory of a TIFF, and refuses it when something there points outside the file: libtiff reads such a
/// file without its profile or XMP and only warns, and colours would change without a word.
/// </summary>
internal static class TiffDirectory
{
    private const int TileWidthTag = 322;
    private const int IptcTag = 33723;
    private const int MaxIptcBytes = 1 << 20;
    private static readonly int[] TypeBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

    /// <exception cref="PhotoException">The directory or a value of it lies outside the file.</exception>
    public static TiffFacts Read(EncodedPhoto photo)
    {
        string path = photo.Path;
        try
        {
            using Stream file = photo.Bytes is { } bytes
                ? new MemoryStream(bytes, writable: false)
                : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return Read(file)
                ?? throw new PhotoException(path, "it is cut off or damaged", "Fetch or export the photo again.");
        }
        catch (EndOfStreamException e)
        {
            throw new PhotoException(path, "it is cut off", "Fetch or export the photo again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PhotoException(
                path,
                $"it cannot be read ({e.Message})",
                "Check the name and its permissions.",
                e
            );
        }
    }

    private static TiffFacts? Read(Stream file)
    {
        ulong length = (ulong)file.Length;
        Span<byte> bytes = stackalloc byte[20];
        file.ReadExactly(bytes[..8]);
        bool little = bytes[0] == 'I';
        bool big = Number(bytes.Slice(2, 2), little) == 43;
        // Classic: 2-byte count, 12-byte entries, 4-byte offsets. BigTIFF: 8, 20, 8.
        int offsetBytes = big ? 8 : 4;
        ulong at = Number(bytes.Slice(4, 4), little);
        if (big)
        {
            file.ReadExactly(bytes[..8]);
            at = Number(bytes[..8], little);
        }
        if (at >= length)
            return null;
        file.Position = (long)at;
        Span<byte> countBytes = bytes[..(big ? 8 : 2)];
        file.ReadExactly(countBytes);
        ulong count = Number(countBytes, little);
        if (count > 4096)
            return null;
        bool isTiled = false;
        (ulong Offset, ulong Bytes) iptc = default;
        Span<byte> entry = bytes[..(4 + (2 * offsetBytes))];
        for (ulong i = 0; i < count; i++)
        {
            file.ReadExactly(entry);
            ulong tag = Number(entry[..2], little);
            ulong type = Number(entry.Slice(2, 2), little);
            ulong values = Number(entry.Slice(4, offsetBytes), little);
            isTiled |= tag == TileWidthTag;
            ulong size = type < (ulong)TypeBytes.Length ? (ulong)TypeBytes[type] : 0;
            if (size == 0 || values <= (ulong)offsetBytes / size)
                continue;
            ulong offset = Number(entry.Slice(4 + offsetBytes, offsetBytes), little);
            if (offset > length || values > (length - offset) / size)
                return null;
            if (tag == IptcTag)
                iptc = (offset, values * size);
        }
        if (iptc.Bytes is 0 or > MaxIptcBytes)
            return new TiffFacts(isTiled, null);
        file.Position = (long)iptc.Offset;
        byte[] records = new byte[iptc.Bytes];
        file.ReadExactly(records);
        return new TiffFacts(isTiled, records);
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, bool little) =>
        bytes.Length switch
        {
            2 => little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes),
            4 => little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes),
            _ => little ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes),
        };
}
