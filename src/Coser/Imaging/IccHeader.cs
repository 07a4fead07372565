using System.Buffers.Binary;
using System.Text;

namespace Coser.Imaging;

/// <summary>The few facts read from an ICC profile itself: its colour space and its name.</summary>
internal static class IccHeader
{
    private const int Length = 128;

    /// <summary>The signature of the profile's colour space ("RGB ", "GRAY", "CMYK"); null when it is no profile.</summary>
    public static string? Space(ReadOnlySpan<byte> icc) =>
        icc.Length > Length + 4 && icc.Slice(36, 4).SequenceEqual("acsp"u8)
            ? Encoding.ASCII.GetString(icc.Slice(16, 4))
            : null;

    /// <summary>The profile's description; null when it has none that can be read.</summary>
    public static string? Name(ReadOnlySpan<byte> icc)
    {
        ReadOnlySpan<byte> tag = Tag(icc, "desc"u8);
        string? name = tag.Length < 28 ? null : Text(tag)?.Trim('\0', ' ');
        return string.IsNullOrEmpty(name) ? null : name;
    }

    /// <summary>Whether the parts that turn device values into colours are there. libvips takes sRGB when they are not.</summary>
    public static bool IsUsable(ReadOnlySpan<byte> icc, string space) =>
        !Tag(icc, "A2B0"u8).IsEmpty
        || (space == "GRAY" && !Tag(icc, "kTRC"u8).IsEmpty)
        || (space == "RGB " && !Tag(icc, "rXYZ"u8).IsEmpty && !Tag(icc, "rTRC"u8).IsEmpty);

    private static ReadOnlySpan<byte> Tag(ReadOnlySpan<byte> icc, ReadOnlySpan<byte> signature)
    {
        uint count = BinaryPrimitives.ReadUInt32BigEndian(icc[Length..]);
        for (int i = 0, at = Length + 4; i < Math.Min(count, 256) && at + 12 <= icc.Length; i++, at += 12)
        {
            if (!icc.Slice(at, 4).SequenceEqual(signature))
                continue;
            uint offset = BinaryPrimitives.ReadUInt32BigEndian(icc[(at + 4)..]);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(icc[(at + 8)..]);
            return offset > icc.Length || length > icc.Length - offset ? [] : icc.Slice((int)offset, (int)length);
        }
        return [];
    }

    private static string? Text(ReadOnlySpan<byte> tag)
    {
        // Version 2: length, ASCII. Version 4: records of (language, length, offset), UTF-16.
        if (tag.StartsWith("desc"u8))
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(tag[8..]);
            return length <= tag.Length - 12 ? Encoding.ASCII.GetString(tag.Slice(12, (int)length)) : null;
        }
        if (!tag.StartsWith("mluc"u8))
            return null;
        uint bytes = BinaryPrimitives.ReadUInt32BigEndian(tag[20..]);
        uint start = BinaryPrimitives.ReadUInt32BigEndian(tag[24..]);
        return start <= tag.Length && bytes <= tag.Length - start
            ? Encoding.BigEndianUnicode.GetString(tag.Slice((int)start, (int)bytes))
            : null;
    }
}
