using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Coser.Checkpoints.PyTorch;

/// <summary>Reads a pickle's arguments from a range of a mapped file. Every length is checked against what remains.</summary>
internal sealed class PickleInput(MappedFile map, long begin, long end)
{
    private const int MaxLineBytes = 4096;
    private const int MaxIntegerBytes = 1024;

    /// <summary>Offset in the file of the next byte.</summary>
    public long Position { get; set; } = begin;

    public CheckpointException Error(string reason) => new(map.Path, reason);

    public ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > end - Position || count > int.MaxValue)
            throw Error("its pickled data ends early or is damaged");
        ReadOnlySpan<byte> bytes = map.Bytes(Position, (int)count);
        Position += count;
        return bytes;
    }

    /// <summary>Passes over elements of a storage, which may be larger than a span.</summary>
    public void Skip(long elements, int size)
    {
        if (elements < 0 || elements > (end - Position) / size)
            throw Error("it is cut short: a storage reaches beyond the end of the file");
        Position += elements * size;
    }

    public byte Byte() => Take(1)[0];

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    public string Text(long bytes) => Encoding.UTF8.GetString(Take(bytes));

    /// <summary>A little-endian two's-complement integer: long where it fits.</summary>
    public object Integer(long bytes)
    {
        if (bytes > MaxIntegerBytes)
            throw Error($"its pickled data holds an integer of {bytes} bytes");
        return Narrow(new BigInteger(Take(bytes)));
    }

    /// <summary>Text up to the next line feed, which is consumed.</summary>
    public string Line()
    {
        ReadOnlySpan<byte> rest = map.Bytes(Position, (int)Math.Min(MaxLineBytes, end - Position));
        int length = rest.IndexOf((byte)'\n');
        if (length < 0)
            throw Error("its pickled data holds a line without an end");
        Position += length + 1;
        return Encoding.UTF8.GetString(rest[..length]);
    }

    /// <summary>An integer written in decimal digits.</summary>
    public object Decimal(string text) =>
        BigInteger.TryParse(text.TrimEnd('L'), out BigInteger value)
            ? Narrow(value)
            : throw Error("its pickled data holds a number that is none");

    private static object Narrow(BigInteger value)
    {
        object narrow = value;
        if (value >= long.MinValue && value <= long.MaxValue)
            narrow = (long)value;
        return narrow;
    }
}
