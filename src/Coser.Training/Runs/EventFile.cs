using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Coser.Training.Runs;

/// <summary>
/// TensorBoard's event file: records of a length, its checksum, a protobuf <c>Event</c> and its checksum (CRC-32C, masked).
/// The few messages it needs (event.proto, summary.proto) are written by hand.
/// </summary>
public sealed class EventFile : IDisposable
{
    private const int SessionStart = 1;
    private readonly FileStream _file;
    private readonly TimeProvider _clock;

    /// <summary>Starts a file of its own. TensorBoard then forgets what older files say of steps after this one.</summary>
    /// <param name="folder">Is made when it is not there.</param>
    /// <param name="step">Steps done so far.</param>
    /// <param name="clock">Null: the system's.</param>
    public EventFile(string folder, long step, TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        Directory.CreateDirectory(folder);
        string name = string.Create(
            CultureInfo.InvariantCulture,
            $"events.out.tfevents.{_clock.GetUtcNow().ToUnixTimeMilliseconds() / 1e3:f3}.{Environment.MachineName}.{Environment.ProcessId}"
        );
        _file = new FileStream(
            System.IO.Path.Combine(folder, name),
            FileMode.Append,
            FileAccess.Write,
            FileShare.Read,
            bufferSize: 0
        );
        Write(e => e.Text(3, Encoding.UTF8.GetBytes("brain.Event:2")));
        Write(e =>
        {
            e.Integer(2, step + 1);
            e.Message(7, session => session.Integer(1, SessionStart));
        });
    }

    /// <summary>Full path.</summary>
    public string Path => _file.Name;

    /// <summary>Numbers of a step.</summary>
    public void Scalars(long step, IEnumerable<KeyValuePair<string, double>> values) =>
        Write(e =>
        {
            e.Integer(2, step);
            e.Message(
                5,
                summary =>
                {
                    foreach ((string tag, double value) in values)
                        summary.Message(
                            1,
                            v =>
                            {
                                v.Text(1, Encoding.UTF8.GetBytes(tag));
                                v.Float(2, (float)value);
                            }
                        );
                }
            );
        });

    /// <summary>A picture of a step.</summary>
    /// <param name="png">An encoded RGB picture.</param>
    public void Picture(long step, string tag, int width, int height, byte[] png) =>
        Write(e =>
        {
            e.Integer(2, step);
            e.Message(
                5,
                summary =>
                    summary.Message(
                        1,
                        v =>
                        {
                            v.Text(1, Encoding.UTF8.GetBytes(tag));
                            v.Message(
                                4,
                                image =>
                                {
                                    image.Integer(1, height);
                                    image.Integer(2, width);
                                    image.Integer(3, 3); // RGB
                                    image.Text(4, png);
                                }
                            );
                        }
                    )
            );
        });

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>The checksum of a record's parts: CRC-32C, rotated and shifted so that a file of checksums checks well.</summary>
    public static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
            crc = BitOperations.Crc32C(crc, value);
        crc = ~crc;
        return BitOperations.RotateRight(crc, 15) + 0xA282EAD8;
    }

    private void Write(Action<Protobuf> fill)
    {
        using var message = new Protobuf();
        message.Double(1, _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1e3);
        fill(message);
        byte[] data = message.ToArray();
        var record = new byte[16 + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedChecksum(data));
        _file.Write(record); // in one call: a kill between two records leaves a whole file
    }

    // The wire format of protocol buffers: a tag of field number and kind, then the value.
    private sealed class Protobuf : IDisposable
    {
        private const int Varint = 0;
        private const int Fixed64 = 1;
        private const int Delimited = 2;
        private const int Fixed32 = 5;
        private readonly MemoryStream _bytes = new();

        public byte[] ToArray() => _bytes.ToArray();

        public void Dispose() => _bytes.Dispose();

        public void Integer(int field, long value)
        {
            Tag(field, Varint);
            Variable((ulong)value);
        }

        public void Double(int field, double value)
        {
            Tag(field, Fixed64);
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
            _bytes.Write(bytes);
        }

        public void Float(int field, float value)
        {
            Tag(field, Fixed32);
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            _bytes.Write(bytes);
        }

        public void Text(int field, byte[] bytes)
        {
            Tag(field, Delimited);
            Variable((ulong)bytes.Length);
            _bytes.Write(bytes);
        }

        public void Message(int field, Action<Protobuf> fill)
        {
            using var inner = new Protobuf();
            fill(inner);
            Text(field, inner.ToArray());
        }

        private void Tag(int field, int kind) => Variable((ulong)(field << 3 | kind));

        private void Variable(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
                _bytes.WriteByte((byte)(value | 0x80));
            _bytes.WriteByte((byte)value);
        }
    }
}
