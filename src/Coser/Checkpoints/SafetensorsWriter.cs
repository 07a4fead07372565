using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Coser.Engine;
using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>A tensor that is made when its turn to be written comes.</summary>
/// <param name="Make">Makes the tensor, of just this type and shape; it is disposed after writing.</param>
public sealed record PendingTensor(string Name, ElementType DType, long[] Shape, Func<torch.Tensor> Make);

/// <summary>Writes safetensors files: beside the final name, then renamed, so that a reader never sees half a file.</summary>
public static class SafetensorsWriter
{
    // A cache line. Products over weights that start elsewhere round differently, so that a mapped network would not compute
    // just what the same network in memory does.
    private const int Alignment = 64;

    /// <summary>
    /// Writes the tensors so that as many as possible start at a multiple of 64 bytes, else in ordinal order of their names:
    /// equal content gives equal bytes.
    /// </summary>
    /// <param name="tensors">Tensors of any device and layout; each is copied to contiguous CPU memory while written.</param>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, torch.Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    ) =>
        Write(
            path,
            tensors.Select(t => new PendingTensor(
                t.Key,
                ElementType.Of(t.Value.dtype),
                t.Value.shape,
                () => t.Value.alias()
            )),
            metadata
        );

    /// <summary>
    /// Writes tensors that are made one at a time, in the same order: at no time is more than one in memory.
    /// </summary>
    /// <exception cref="ArgumentException">Two have one name, or one is made in another type or shape than announced.</exception>
    public static void Write(
        string path,
        IEnumerable<PendingTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        PendingTensor[] sorted =
        [
            .. tensors
                .OrderByDescending(t => Math.Min(Alignment, PowerIn(t)))
                .ThenBy(t => t.Name, StringComparer.Ordinal),
        ];
        byte[] header = Header(sorted, metadata);
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                Span<byte> length = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
                file.Write(length);
                file.Write(header);
                foreach (PendingTensor pending in sorted)
                {
                    using torch.Tensor tensor = pending.Make();
                    if (tensor.dtype != pending.DType.Torch || !tensor.shape.SequenceEqual(pending.Shape))
                        throw new ArgumentException(
                            $"'{pending.Name}' was made in another type or shape than announced",
                            nameof(tensors)
                        );
                    WriteData(file, tensor);
                }
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    // The largest power of two that divides the length: what comes behind is aligned to it, too.
    private static long PowerIn(PendingTensor tensor) =>
        tensor.DType.Bytes(tensor.Shape) is { } bytes and > 0 ? bytes & -bytes : Alignment;

    private static byte[] Header(PendingTensor[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (PendingTensor tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                    throw new ArgumentException($"two tensors are named '{tensor.Name}'", nameof(tensors));
                long length =
                    tensor.DType.Bytes(tensor.Shape)
                    ?? throw new ArgumentException($"'{tensor.Name}' is too large", nameof(tensors));
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType.Name);
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += length);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Padded with spaces, as the reference writer does, so that the data, behind the header's length, starts aligned.
        int padding = (Alignment - (int)((sizeof(long) + buffer.Length) % Alignment)) % Alignment;
        buffer.Write(Encoding.ASCII.GetBytes(new string(' ', padding)));
        return buffer.ToArray();
    }

    private static unsafe void WriteData(FileStream file, torch.Tensor tensor)
    {
        const int Chunk = 1 << 24;
        using var scope = torch.NewDisposeScope();
        torch.Tensor dense = tensor.detach().cpu().contiguous();
        long bytes = dense.numel() * ElementType.Of(dense.dtype).Size;
        if (bytes == 0)
            return;
        byte* start = TensorMemory.Address(dense);
        for (long at = 0; at < bytes; at += Chunk)
            file.Write(new ReadOnlySpan<byte>(start + at, (int)Math.Min(Chunk, bytes - at)));
    }
}
