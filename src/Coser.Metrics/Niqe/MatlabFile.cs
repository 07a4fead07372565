using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Coser.Metrics.Niqe;

/// <summary>Numeric matrices of a MATLAB 5 file (.mat before 7.3), compressed or not.</summary>
internal static class MatlabFile
{
    private const int HeaderLength = 128;
    private const uint Compressed = 15;
    private const uint Matrix = 14;
    private const int MaxLength = 64 << 20;

    /// <summary>Values by name, row by row.</summary>
    /// <exception cref="InvalidDataException">It is damaged or big-endian.</exception>
    public static IReadOnlyDictionary<string, double[]> Read(byte[] file)
    {
        if (file.Length < HeaderLength || file[126] != (byte)'I' || file[127] != (byte)'M')
            throw new InvalidDataException("it is not a little-endian MATLAB 5 file");
        var arrays = new Dictionary<string, double[]>(StringComparer.Ordinal);
        ReadOnlySpan<byte> rest = file.AsSpan(HeaderLength);
        while (rest.Length >= 8)
        {
            (uint type, ReadOnlySpan<byte> data, int next) = Element(rest, padded: false);
            if (type == Compressed)
                (type, data, _) = Element(Inflate(data), padded: true);
            if (type == Matrix)
                ReadMatrix(data, arrays);
            rest = rest[next..];
        }
        return arrays;
    }

    // One tagged element: its type, its data, and where the next begins.
    private static Part Element(ReadOnlySpan<byte> bytes, bool padded = true)
    {
        if (bytes.Length < 8)
            throw new InvalidDataException("an element is cut off");
        uint type = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (type >> 16 != 0) // small: length and type share four bytes, the data are the next four
        {
            int small = (int)(type >> 16);
            return small <= 4
                ? new Part(type & 0xFFFF, bytes.Slice(4, small), 8)
                : throw new InvalidDataException("an element has a wrong length");
        }
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (length > bytes.Length - 8)
            throw new InvalidDataException("an element is cut off");
        long next = 8 + (padded ? (length + 7L) / 8 * 8 : length);
        return new Part(type, bytes.Slice(8, (int)length), (int)Math.Min(next, bytes.Length));
    }

    private static byte[] Inflate(ReadOnlySpan<byte> data)
    {
        using var zlib = new ZLibStream(new MemoryStream(data.ToArray()), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = zlib.Read(buffer)) > 0; )
        {
            plain.Write(buffer, 0, read);
            if (plain.Length > MaxLength)
                throw new InvalidDataException("an element is larger than any prior");
        }
        return plain.ToArray();
    }

    private static void ReadMatrix(ReadOnlySpan<byte> data, Dictionary<string, double[]> arrays)
    {
        if (data.IsEmpty)
            return;
        (_, ReadOnlySpan<byte> flags, int next) = Element(data);
        data = data[next..];
        // Classes 6 to 15 are numbers; cells, structures and text are passed over.
        if (flags.Length < 8 || flags[0] is < 6 or > 15)
            return;
        (_, ReadOnlySpan<byte> sizes, next) = Element(data);
        data = data[next..];
        (_, ReadOnlySpan<byte> name, next) = Element(data);
        data = data[next..];
        (uint type, ReadOnlySpan<byte> values, _) = Element(data);
        if (sizes.Length != 8)
            return; // not a matrix of two dimensions
        int rows = BinaryPrimitives.ReadInt32LittleEndian(sizes);
        int columns = BinaryPrimitives.ReadInt32LittleEndian(sizes[4..]);
        int size = Size(type);
        if (rows < 0 || columns < 0 || (long)rows * columns * size != values.Length)
            throw new InvalidDataException("a matrix has a wrong length");
        var array = new double[rows * columns];
        for (int i = 0; i < array.Length; i++) // column by column
            array[i % rows * columns + i / rows] = Value(type, values.Slice(i * size, size));
        arrays[Encoding.ASCII.GetString(name)] = array;
    }

    private static int Size(uint type) =>
        type switch
        {
            1 or 2 => 1,
            3 or 4 => 2,
            5 or 6 or 7 => 4,
            9 or 12 or 13 => 8,
            _ => throw new InvalidDataException($"values of type {type} are not numbers"),
        };

    private static double Value(uint type, ReadOnlySpan<byte> value) =>
        type switch
        {
            1 => (sbyte)value[0],
            2 => value[0],
            3 => BinaryPrimitives.ReadInt16LittleEndian(value),
            4 => BinaryPrimitives.ReadUInt16LittleEndian(value),
            5 => BinaryPrimitives.ReadInt32LittleEndian(value),
            6 => BinaryPrimitives.ReadUInt32LittleEndian(value),
            7 => BinaryPrimitives.ReadSingleLittleEndian(value),
            9 => BinaryPrimitives.ReadDoubleLittleEndian(value),
            12 => BinaryPrimitives.ReadInt64LittleEndian(value),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(value),
        };

    private readonly ref struct Part(uint type, ReadOnlySpan<byte> data, int next)
    {
        private readonly ReadOnlySpan<byte> _data = data;

        public void Deconstruct(out uint kind, out ReadOnlySpan<byte> content, out int end)
        {
            kind = type;
            content = _data;
            end = next;
        }
    }
}
