using System.Buffers.Binary;
using System.Text;

namespace Coser.Checkpoints.PyTorch;

/// <summary>One stored file of a zip archive.</summary>
/// <param name="Begin">Offset of its data in the archive.</param>
internal sealed record ZipItem(string Name, long Begin, long Length);

/// <summary>
/// The list of files in a zip archive (zip64 too) whose entries are stored, not compressed, so that they can be mapped. Names,
/// ranges and overlaps are checked; nothing is ever unpacked to disk.
/// </summary>
internal sealed class ZipDirectory
{
    private const int EndLength = 22;
    private const int MaxComment = 0xFFFF;
    private const int EntryLength = 46;
    private const int LocalLength = 30;
    private const uint Unset = 0xFFFFFFFF;

    private readonly MappedFile _map;
    private readonly Dictionary<string, ZipItem> _items = new(StringComparer.Ordinal);

    private ZipDirectory(MappedFile map) => _map = map;

    public IReadOnlyDictionary<string, ZipItem> Items => _items;

    /// <exception cref="CheckpointException">The archive is damaged, compressed, encrypted, or inconsistent.</exception>
    public static ZipDirectory Read(MappedFile map)
    {
        var directory = new ZipDirectory(map);
        (long begin, long length, long count) = directory.FindDirectory();
        directory.ReadEntries(begin, length, count);
        return directory;
    }

    private (long Begin, long Length, long Count) FindDirectory()
    {
        long at = FindEnd();
        ReadOnlySpan<byte> end = _map.Bytes(at, EndLength);
        int disk = U16(end, 4) | U16(end, 6);
        (long count, long length, long begin) = (U16(end, 10), U32(end, 12), U32(end, 16));
        if (at >= 20 && U32(_map.Bytes(at - 20, 20), 0) == 0x07064b50)
        {
            long end64 = Signed(U64(_map.Bytes(at - 20, 20), 8));
            if (end64 > at - 20 - 56 || U32(_map.Bytes(end64, 4), 0) != 0x06064b50)
                throw Damaged("its zip64 directory is not where it should be");
            ReadOnlySpan<byte> wide = _map.Bytes(end64, 56);
            disk = (int)(U32(wide, 16) | U32(wide, 20));
            (count, length, begin) = (Signed(U64(wide, 32)), Signed(U64(wide, 40)), Signed(U64(wide, 48)));
            at = end64;
        }
        if (disk != 0)
            throw Damaged("it is one part of a zip archive in several parts");
        if (begin > at || length != at - begin || count > length / EntryLength)
            throw Damaged("its zip directory lies outside the file");
        return (begin, length, count);
    }

    private long FindEnd()
    {
        for (long at = _map.Length - EndLength; at >= Math.Max(0, _map.Length - EndLength - MaxComment); at--)
        {
            ReadOnlySpan<byte> end = _map.Bytes(at, EndLength);
            if (U32(end, 0) == 0x06054b50 && at + EndLength + U16(end, 20) == _map.Length)
                return at;
        }
        throw Damaged("its zip directory is missing: the file is cut short; download or copy it again");
    }

    private void ReadEntries(long begin, long length, long count)
    {
        long at = begin;
        long end = begin + length;
        var ranges = new List<(long Begin, long End)>();
        for (long i = 0; i < count; i++)
        {
            if (at > end - EntryLength)
                throw Damaged("its zip directory is cut short");
            ReadOnlySpan<byte> entry = _map.Bytes(at, EntryLength);
            int nameLength = U16(entry, 28);
            int extraLength = U16(entry, 30);
            long next = at + EntryLength + nameLength + extraLength + U16(entry, 32);
            if (U32(entry, 0) != 0x02014b50 || next > end)
                throw Damaged("its zip directory is damaged");
            ReadOnlySpan<byte> rawName = _map.Bytes(at + EntryLength, nameLength);
            string name = Encoding.UTF8.GetString(rawName);
            CheckName(name);
            if ((U16(entry, 8) & 1) != 0)
                throw Damaged($"its entry '{name}' is encrypted");
            (long packed, long size, long header) = (U32(entry, 20), U32(entry, 24), U32(entry, 42));
            Widen(_map.Bytes(at + EntryLength + nameLength, extraLength), name, ref size, ref packed, ref header);
            if (U16(entry, 10) != 0)
                throw Damaged(
                    $"its entry '{name}' is compressed, which PyTorch never does; unpack it and zip it with 'store'"
                );
            if (packed != size)
                throw Damaged($"its entry '{name}' has two different sizes");
            long data = DataOffset(header, rawName, name);
            if (size > begin - data)
                throw Damaged($"its entry '{name}' lies outside the file");
            ranges.Add((header, data + size));
            if (!name.EndsWith('/') && !_items.TryAdd(name, new ZipItem(name, data, size)))
                throw Damaged($"it holds two entries '{name}'");
            at = next;
        }
        if (at != end)
            throw Damaged("its zip directory is damaged");
        ranges.Sort();
        for (int i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].Begin < ranges[i - 1].End)
                throw Damaged("entries of its zip archive overlap");
        }
    }

    private long DataOffset(long header, ReadOnlySpan<byte> rawName, string name)
    {
        if (header > _map.Length - LocalLength)
            throw Damaged($"its entry '{name}' lies outside the file");
        ReadOnlySpan<byte> local = _map.Bytes(header, LocalLength);
        long data = header + LocalLength + U16(local, 26) + U16(local, 28);
        if (
            U32(local, 0) != 0x04034b50
            || U16(local, 8) != 0
            || U16(local, 26) != rawName.Length
            || data > _map.Length
            || !_map.Bytes(header + LocalLength, rawName.Length).SequenceEqual(rawName)
        )
        {
            throw Damaged($"its entry '{name}' differs from the zip directory");
        }
        return data;
    }

    // zip64: the fields that do not fit into 32 bits follow in this order, each only where its short form is unset.
    private void Widen(ReadOnlySpan<byte> extra, string name, ref long size, ref long packed, ref long header)
    {
        while (extra.Length >= 4 && (size == Unset || packed == Unset || header == Unset))
        {
            int length = U16(extra, 2);
            if (length > extra.Length - 4)
                break;
            if (U16(extra, 0) == 1)
            {
                ReadOnlySpan<byte> wide = extra.Slice(4, length);
                size = Wide(ref wide, size);
                packed = Wide(ref wide, packed);
                header = Wide(ref wide, header);
                return;
            }
            extra = extra[(4 + length)..];
        }
        if (size == Unset || packed == Unset || header == Unset)
            throw Damaged($"its entry '{name}' lacks its zip64 sizes");
    }

    private long Wide(ref ReadOnlySpan<byte> fields, long value)
    {
        if (value != Unset)
            return value;
        if (fields.Length < 8)
            throw Damaged("its zip64 sizes are damaged");
        long wide = Signed(U64(fields, 0));
        fields = fields[8..];
        return wide;
    }

    // Nothing is unpacked, so such names could do no harm here; no program that saves weights writes them.
    private void CheckName(string name)
    {
        bool wrong =
            name.Length == 0
            || name[0] == '/'
            || name.Contains('\\')
            || name.Contains(':')
            || name.Contains('\0')
            || name.Split('/').Any(part => part is "." or "..");
        if (wrong)
            throw Damaged($"its entry '{name}' has a name that leads elsewhere");
    }

    private CheckpointException Damaged(string reason) => new(_map.Path, reason);

    private long Signed(ulong value) =>
        value <= long.MaxValue ? (long)value : throw Damaged("its zip archive has impossible sizes");

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
