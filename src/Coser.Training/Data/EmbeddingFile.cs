using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>
/// Vectors of one length on disk, a row a photo: a fingerprint of 32 bytes, the length, then the rows in float32. Only the
/// rows asked for are in memory; what a kill cut off is dropped.
/// </summary>
internal sealed class EmbeddingFile : IDisposable
{
    private const int HeadBytes = SHA256.HashSizeInBytes + sizeof(int);
    private readonly SafeFileHandle _file;
    private readonly int _length;

    /// <summary>Opens the file to go on with it, or begins it anew when it is of other photos or another network.</summary>
    /// <param name="identity">All that the rows depend on.</param>
    /// <param name="length">Numbers a row.</param>
    public EmbeddingFile(string path, string identity, int length)
    {
        _length = length;
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var head = new byte[HeadBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(identity), head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(SHA256.HashSizeInBytes), length);
        var present = new byte[HeadBytes];
        bool same = RandomAccess.Read(_file, present, 0) == HeadBytes && present.AsSpan().SequenceEqual(head);
        if (!same)
        {
            RandomAccess.SetLength(_file, 0);
            RandomAccess.Write(_file, head, 0);
        }
        Rows = (RandomAccess.GetLength(_file) - HeadBytes) / RowBytes;
    }

    /// <summary>Whole rows so far.</summary>
    public long Rows { get; private set; }

    private long RowBytes => (long)_length * sizeof(float);

    /// <summary>Appends rows.</summary>
    /// <param name="rows">[N,C], float32, on the CPU.</param>
    public void Append(Tensor rows)
    {
        RandomAccess.Write(_file, MemoryMarshal.AsBytes(rows.data<float>().ToArray().AsSpan()), At(Rows));
        Rows += rows.shape[0];
    }

    /// <summary>Some rows.</summary>
    /// <returns>[N,C], float32, in the order asked for.</returns>
    public Tensor Read(IReadOnlyList<int> rows)
    {
        var numbers = new float[rows.Count * _length];
        for (int i = 0; i < rows.Count; )
        {
            // Neighbours are one read.
            int run = 1;
            while (i + run < rows.Count && rows[i + run] == rows[i] + run)
                run++;
            Fill(MemoryMarshal.AsBytes(numbers.AsSpan(i * _length, run * _length)), At(rows[i]));
            i += run;
        }
        return tensor(numbers).reshape(rows.Count, _length);
    }

    public void Dispose() => _file.Dispose();

    private long At(long row) => HeadBytes + row * RowBytes;

    private void Fill(Span<byte> bytes, long at)
    {
        for (int done = 0; done < bytes.Length; )
        {
            int read = RandomAccess.Read(_file, bytes[done..], at + done);
            done += read > 0 ? read : throw new EndOfStreamException("the file of embeddings is cut off");
        }
    }
}
