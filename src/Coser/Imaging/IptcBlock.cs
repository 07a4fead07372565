using System.Buffers.Binary;

namespace Coser.Imaging;

/// <summary>
/// IPTC data as files hold it: TIFF has the bare records, JPEG wraps them in a list of Photoshop resources. libvips gives
/// and takes either as it is, so going from one format to the other takes a change of wrapping.
/// </summary>
internal static class IptcBlock
{
    private const ushort IptcResource = 0x0404;
    private static ReadOnlySpan<byte> Signature => "Photoshop 3.0\0"u8;

    /// <summary>The block in the wrapping of <paramref name="format"/> (JPEG or TIFF); null when there is none in it.</summary>
    public static byte[]? For(PhotoFormat format, byte[] block)
    {
        bool isWrapped = block.AsSpan().StartsWith(Signature);
        if (format == PhotoFormat.Jpeg)
            return isWrapped ? block : Wrap(block);
        return isWrapped ? Unwrap(block.AsSpan(Signature.Length)) : block;
    }

    private static byte[] Wrap(ReadOnlySpan<byte> records)
    {
        // "8BIM", number, an empty name of even length, length, data of even length.
        var block = new byte[Signature.Length + 12 + records.Length + (records.Length & 1)];
        Signature.CopyTo(block);
        Span<byte> resource = block.AsSpan(Signature.Length);
        "8BIM"u8.CopyTo(resource);
        BinaryPrimitives.WriteUInt16BigEndian(resource[4..], IptcResource);
        BinaryPrimitives.WriteInt32BigEndian(resource[8..], records.Length);
        records.CopyTo(resource[12..]);
        return block;
    }

    private static byte[]? Unwrap(ReadOnlySpan<byte> resources)
    {
        while (resources.Length >= 12 && resources.StartsWith("8BIM"u8))
        {
            ushort number = BinaryPrimitives.ReadUInt16BigEndian(resources[4..]);
            int at = 6 + ((resources[6] + 2) & ~1);
            if (resources.Length < at + 4)
                return null;
            uint length = BinaryPrimitives.ReadUInt32BigEndian(resources[at..]);
            resources = resources[(at + 4)..];
            if (length > resources.Length)
                return null;
            if (number == IptcResource)
                return resources[..(int)length].ToArray();
            resources = resources[(int)Math.Min(resources.Length, length + (length & 1))..];
        }
        return null;
    }
}
