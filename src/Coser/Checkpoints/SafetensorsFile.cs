using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>
/// A safetensors file, mapped into memory. Tensors are views of the map where they are read on the CPU: nothing is copied
/// until something needs it elsewhere. The map lives as long as the file object or any tensor made from it.
/// </summary>
public sealed class SafetensorsFile : ICheckpoint
{
    // The format's own bound on the header; a longer one is damage or malice.
    private const long MaxHeaderBytes = 100_000_000;
    private readonly MappedFile _map;

    private readonly Dictionary<string, long> _offsets;

    private SafetensorsFile(MappedFile map)
    {
        _map = map;
        var entries = new Dictionary<string, CheckpointEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        _offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        Entries = entries;
        Metadata = metadata;
        ReadHeader(entries, metadata);
    }

    /// <inheritdoc/>
    public string Path => _map.Path;

    /// <inheritdoc/>
    public string Format => "safetensors";

    /// <inheritdoc/>
    public string? Wrapper => null;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, CheckpointEntry> Entries { get; }

    /// <summary>The file's <c>__metadata__</c>; empty when it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Maps the file and checks its header: every range inside the file, of the right length, none overlapping.</summary>
    /// <exception cref="CheckpointException">The file is missing, unreadable or not a sound safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile map = MappedFile.Open(path);
        try
        {
            return Open(map);
        }
        catch
        {
            map.Release();
            throw;
        }
    }

    internal static SafetensorsFile Open(MappedFile map) => new(map);

    /// <inheritdoc/>
    public torch.Tensor Read(string name) =>
        Entries.TryGetValue(name, out CheckpointEntry? entry)
            ? _map.View(_offsets[name], entry.Shape, entry.DType)
            : throw new KeyNotFoundException($"{Path} holds no tensor '{name}'");

    /// <inheritdoc/>
    public void Forget(string name) => _map.Forget(_offsets[name], Entries[name].Length);

    /// <inheritdoc/>
    public void Dispose() => _map.Release();

    private void ReadHeader(Dictionary<string, CheckpointEntry> entries, Dictionary<string, string> metadata)
    {
        if (_map.Length < 8)
            throw new CheckpointException(Path, "it is too short to be a safetensors file");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(_map.Bytes(0, 8));
        if (length > MaxHeaderBytes || (long)length > _map.Length - 8)
            throw new CheckpointException(
                Path,
                $"its header claims {length} bytes, more than the file holds or the format allows"
            );
        long dataStart = 8 + (long)length;
        try
        {
            using var header = JsonDocument.Parse(_map.Bytes(8, (int)length).ToArray());
            foreach (JsonProperty property in header.RootElement.EnumerateObject())
            {
                if (property.NameEquals("__metadata__"))
                {
                    foreach (JsonProperty item in property.Value.EnumerateObject())
                        metadata[item.Name] = item.Value.GetString() ?? "";
                    continue;
                }
                (CheckpointEntry entry, long begin) = ReadEntry(property, dataStart);
                if (!entries.TryAdd(entry.Name, entry))
                    throw new CheckpointException(Path, $"it lists tensor '{entry.Name}' twice");
                _offsets.Add(entry.Name, begin);
            }
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CheckpointException(Path, "its header is not sound JSON: " + e.Message, e);
        }
        CheckCoverage(entries.Values, dataStart);
    }

    private (CheckpointEntry Entry, long Begin) ReadEntry(JsonProperty property, long dataStart)
    {
        string typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        ElementType type =
            ElementType.Find(typeName)
            ?? throw new CheckpointException(Path, $"tensor '{property.Name}' has the unknown type '{typeName}'");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        long[] range = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(d => d.GetInt64())];
        if (
            range.Length != 2
            || range[0] < 0
            || range[1] < range[0]
            || range[1] > _map.Length - dataStart
            || Array.Exists(shape, d => d < 0)
        )
        {
            throw new CheckpointException(Path, $"tensor '{property.Name}' lies outside the file");
        }
        long length = range[1] - range[0];
        long? expected = type.Bytes(shape);
        if (expected != length)
        {
            throw new CheckpointException(
                Path,
                $"tensor '{property.Name}' of shape [{string.Join(", ", shape)}] has {length} bytes, "
                    + (expected is null ? "far too few" : $"not {expected}")
            );
        }
        return (new CheckpointEntry(property.Name, type, shape, length), dataStart + range[0]);
    }

    // The format leaves no holes and no overlaps; either is a sign of damage or of something hidden.
    private void CheckCoverage(IEnumerable<CheckpointEntry> entries, long dataStart)
    {
        long at = dataStart;
        foreach (CheckpointEntry entry in entries.OrderBy(e => _offsets[e.Name]).ThenBy(e => e.Length))
        {
            if (_offsets[entry.Name] != at)
                throw new CheckpointException(Path, $"tensor '{entry.Name}' overlaps another or leaves a hole");
            at += entry.Length;
        }
        if (at != _map.Length)
            throw new CheckpointException(Path, $"{_map.Length - at} bytes after the last tensor belong to nothing");
    }
}
