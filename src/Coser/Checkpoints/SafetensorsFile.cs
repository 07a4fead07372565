using System.Buffers.Binary;
using System.Text.Json;
using Coser.Engine;
using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>Place and type of one tensor in a safetensors file.</summary>
/// <param name="Begin">Offset of its first byte in the file.</param>
/// <param name="Length">Length in bytes.</param>
public sealed record SafetensorsEntry(string Name, torch.ScalarType DType, long[] Shape, long Begin, long Length);

/// <summary>
/// A safetensors file, mapped into memory. Tensors are views of the map where they are read on the CPU: nothing is copied
/// until something needs it elsewhere. The map lives as long as the file object or any tensor made from it.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    // The format's own bound on the header; a longer one is damage or malice.
    private const long MaxHeaderBytes = 100_000_000;
    private readonly MappedFile _map;

    private SafetensorsFile(
        MappedFile map,
        IReadOnlyDictionary<string, SafetensorsEntry> entries,
        IReadOnlyDictionary<string, string> metadata
    )
    {
        _map = map;
        Entries = entries;
        Metadata = metadata;
    }

    /// <summary>The tensors by name, in the order of the header.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <summary>The file's <c>__metadata__</c>; empty when it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps the file and checks its header: every range inside the file, of the right length, none overlapping.</summary>
    /// <exception cref="CheckpointException">The file is missing, unreadable or not a sound safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile map;
        try
        {
            map = MappedFile.Open(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, e.Message, e);
        }
        try
        {
            (var entries, var metadata) = ReadHeader(map, path);
            return new SafetensorsFile(map, entries, metadata);
        }
        catch
        {
            map.Release();
            throw;
        }
    }

    /// <summary>The tensor of that name on the CPU, a view of the mapped file. Treat it as read-only.</summary>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    public torch.Tensor Read(string name)
    {
        SafetensorsEntry entry = Entries.TryGetValue(name, out var found)
            ? found
            : throw new KeyNotFoundException($"{_map.Path} holds no tensor '{name}'");
        return _map.View(entry.Begin, entry.Shape, entry.DType);
    }

    /// <inheritdoc/>
    public void Dispose() => _map.Release();

    private static (Dictionary<string, SafetensorsEntry>, Dictionary<string, string>) ReadHeader(
        MappedFile map,
        string path
    )
    {
        if (map.Length < 8)
            throw new CheckpointException(path, "it is too short to be a safetensors file");
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(map.Bytes(0, 8));
        if (headerLength > MaxHeaderBytes || (long)headerLength > map.Length - 8)
            throw new CheckpointException(path, $"its header claims {headerLength} bytes, more than the file holds");
        long dataStart = 8 + (long)headerLength;
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var header = JsonDocument.Parse(map.Bytes(8, (int)headerLength).ToArray());
            foreach (JsonProperty property in header.RootElement.EnumerateObject())
            {
                if (property.NameEquals("__metadata__"))
                {
                    foreach (JsonProperty item in property.Value.EnumerateObject())
                        metadata[item.Name] = item.Value.GetString() ?? "";
                }
                else if (!entries.TryAdd(property.Name, ReadEntry(property, dataStart, map.Length, path)))
                {
                    throw new CheckpointException(path, $"it lists tensor '{property.Name}' twice");
                }
            }
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CheckpointException(path, "its header is not sound JSON: " + e.Message, e);
        }
        CheckCoverage(entries.Values, dataStart, map.Length, path);
        return (entries, metadata);
    }

    private static SafetensorsEntry ReadEntry(JsonProperty property, long dataStart, long fileLength, string path)
    {
        string typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        if (!SafetensorsTypes.FromName.TryGetValue(typeName, out torch.ScalarType type))
            throw new CheckpointException(path, $"tensor '{property.Name}' has the unknown type '{typeName}'");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        long[] range = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(d => d.GetInt64())];
        if (
            range.Length != 2
            || range[0] < 0
            || range[1] < range[0]
            || range[1] > fileLength - dataStart
            || Array.Exists(shape, d => d < 0)
        )
        {
            throw new CheckpointException(path, $"tensor '{property.Name}' lies outside the file");
        }
        long length = range[1] - range[0];
        Int128 expected = shape.Aggregate(
            (Int128)SafetensorsTypes.Size(type),
            (n, d) => Int128.Min(n * d, (Int128)long.MaxValue * 2)
        );
        if (expected != length)
        {
            throw new CheckpointException(
                path,
                $"tensor '{property.Name}' of shape [{string.Join(", ", shape)}] has {length} bytes, not {expected}"
            );
        }
        return new SafetensorsEntry(property.Name, type, shape, dataStart + range[0], length);
    }

    // The format leaves no holes and no overlaps; either is a sign of damage or of something hidden.
    private static void CheckCoverage(
        IEnumerable<SafetensorsEntry> entries,
        long dataStart,
        long fileLength,
        string path
    )
    {
        long at = dataStart;
        foreach (SafetensorsEntry entry in entries.OrderBy(e => e.Begin).ThenBy(e => e.Length))
        {
            if (entry.Begin != at)
                throw new CheckpointException(path, $"tensor '{entry.Name}' overlaps another or leaves a hole");
            at += entry.Length;
        }
        if (at != fileLength)
            throw new CheckpointException(path, $"{fileLength - at} bytes after the last tensor belong to nothing");
    }
}
