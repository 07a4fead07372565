using System.Buffers.Binary;

namespace Coser.Imaging;

/// <summary>
/// Refuses a TIFF whose first directory points outside the file. libtiff reads such a file without its profile, EXIF or
/// XMP and only warns; colours would change without a word.
/// </summary>
internal static class TiffBounds
{
    private static readonly int[] TypeBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

    private const int TileWidthTag = 322;

    /// <summary>Checks the first directory; true when the picture is stored in tiles.</summary>
    /// <exception cref="PhotoException">The directory or a value of it lies outside the file.</exception>
    public static bool Check(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (!IsInside(file, out bool isTiled))
                throw new PhotoException(path, "it is cut off or damaged", "Fetch or export the photo again.");
            return isTiled;
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

    private static bool IsInside(FileStream file, out bool isTiled)
    {
        isTiled = false;
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
            return false;
        file.Position = (long)at;
        Span<byte> countBytes = bytes[..(big ? 8 : 2)];
        file.ReadExactly(countBytes);
        ulong count = Number(countBytes, little);
        if (count > 4096)
            return false;
        Span<byte> entry = bytes[..(4 + (2 * offsetBytes))];
        for (ulong i = 0; i < count; i++)
        {
            file.ReadExactly(entry);
            isTiled |= Number(entry[..2], little) == TileWidthTag;
            ulong type = Number(entry.Slice(2, 2), little);
            ulong values = Number(entry.Slice(4, offsetBytes), little);
            ulong size = type < (ulong)TypeBytes.Length ? (ulong)TypeBytes[type] : 0;
            if (size == 0 || values <= (ulong)offsetBytes / size)
                continue;
            ulong offset = Number(entry.Slice(4 + offsetBytes, offsetBytes), little);
            if (offset > length || values > (length - offset) / size)
                return false;
        }
        return true;
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, bool little) =>
        bytes.Length switch
        {
            2 => little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes),
            4 => little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes),
            _ => little ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes),
        };
}
