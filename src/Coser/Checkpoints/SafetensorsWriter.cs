using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>Writes safetensors files: beside the final name, then renamed, so that a reader never sees half a file.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes the tensors in ordinal order of their names, so that equal content gives equal bytes.</summary>
    /// <param name="tensors">Tensors of any device and layout; each is copied to contiguous CPU memory while written.</param>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, torch.Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        KeyValuePair<string, torch.Tensor>[] sorted = [.. tensors.OrderBy(t => t.Key, StringComparer.Ordinal)];
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
                foreach ((_, torch.Tensor tensor) in sorted)
                    WriteData(file, tensor);
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

    private static byte[] Header(
        KeyValuePair<string, torch.Tensor>[] tensors,
        IReadOnlyDictionary<string, string>? metadata
    )
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
            foreach ((string name, torch.Tensor tensor) in tensors)
            {
                long length = tensor.numel() * SafetensorsTypes.Size(tensor.dtype);
                json.WriteStartObject(name);
                json.WriteString("dtype", SafetensorsTypes.ToName(tensor.dtype));
                json.WriteStartArray("shape");
                foreach (long size in tensor.shape)
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
        // Padded with spaces, as the reference writer does, so that the data starts aligned.
        int padding = (Alignment - (int)(buffer.Length % Alignment)) % Alignment;
        buffer.Write(Encoding.ASCII.GetBytes(new string(' ', padding)));
        return buffer.ToArray();
    }

    private static unsafe void WriteData(FileStream file, torch.Tensor tensor)
    {
        const int Chunk = 1 << 24;
        using var scope = torch.NewDisposeScope();
        torch.Tensor dense = tensor.detach().cpu().contiguous();
        long bytes = dense.numel() * SafetensorsTypes.Size(dense.dtype);
        if (bytes == 0)
            return;
        byte* start = (byte*)BorrowedAddress(dense);
        for (long at = 0; at < bytes; at += Chunk)
            file.Write(new ReadOnlySpan<byte>(start + at, (int)Math.Min(Chunk, bytes - at)));
    }

    // Tensor.bytes stops at 2 GiB, so the address is taken from a one-element view.
    private static unsafe IntPtr BorrowedAddress(torch.Tensor dense)
    {
        using torch.Tensor first = dense.view(-1).slice(0, 0, 1, 1);
        fixed (byte* start = first.bytes)
            return (IntPtr)start;
    }
}
