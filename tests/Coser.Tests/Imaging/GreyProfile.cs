using System.Buffers.Binary;

namespace Coser.Tests.Imaging;

/// <summary>The smallest grey ICC profiles, made here so that no binary files are needed.</summary>
internal static class GreyProfile
{
    /// <summary>A version 2 monitor profile with the curve v^gamma.</summary>
    public static byte[] Gamma(double gamma)
    {
        byte[] curve = new byte[16];
        "curv"u8.CopyTo(curve);
        BinaryPrimitives.WriteInt32BigEndian(curve.AsSpan(8), 1);
        BinaryPrimitives.WriteUInt16BigEndian(curve.AsSpan(12), (ushort)(gamma * 256));
        byte[] name = new byte[104];
        "desc"u8.CopyTo(name);
        BinaryPrimitives.WriteInt32BigEndian(name.AsSpan(8), 5);
        "grey\0"u8.CopyTo(name.AsSpan(12));
        byte[] text = new byte[16];
        "text"u8.CopyTo(text);
        "none\0"u8.CopyTo(text.AsSpan(8));
        (string Tag, byte[] Data)[] tags = [("desc", name), ("cprt", text), ("wtpt", White()), ("kTRC", curve)];

        byte[] icc = new byte[128 + 4 + (tags.Length * 12) + tags.Sum(t => t.Data.Length)];
        BinaryPrimitives.WriteInt32BigEndian(icc, icc.Length);
        BinaryPrimitives.WriteInt32BigEndian(icc.AsSpan(8), 0x02400000);
        "mntrGRAYXYZ "u8.CopyTo(icc.AsSpan(12));
        "acsp"u8.CopyTo(icc.AsSpan(36));
        White()[8..].CopyTo(icc.AsSpan(68));
        BinaryPrimitives.WriteInt32BigEndian(icc.AsSpan(128), tags.Length);
        int at = 132 + (tags.Length * 12);
        for (int i = 0; i < tags.Length; i++)
        {
            Span<byte> entry = icc.AsSpan(132 + (i * 12));
            System.Text.Encoding.ASCII.GetBytes(tags[i].Tag, entry);
            BinaryPrimitives.WriteInt32BigEndian(entry[4..], at);
            BinaryPrimitives.WriteInt32BigEndian(entry[8..], tags[i].Data.Length);
            tags[i].Data.CopyTo(icc, at);
            at += tags[i].Data.Length;
        }
        return icc;
    }

    // D50, the white of the profile connection space, as 16.16 numbers.
    private static byte[] White()
    {
        byte[] white = new byte[20];
        "XYZ "u8.CopyTo(white);
        BinaryPrimitives.WriteInt32BigEndian(white.AsSpan(8), 0xF6D6);
        BinaryPrimitives.WriteInt32BigEndian(white.AsSpan(12), 0x10000);
        BinaryPrimitives.WriteInt32BigEndian(white.AsSpan(16), 0xD32D);
        return white;
    }
}
