using TorchSharp;

namespace Coser.Checkpoints.PyTorch;

/// <summary>
/// A file of <c>torch.save</c>. What is pickled in it is only described, never run; storages are views of the mapped file.
/// </summary>
internal sealed class PyTorchFile : ICheckpoint
{
    // An expanded tensor (stride 0) may be larger than its storage, but no file of weights is mostly such tensors.
    private const long MaxExpanded = 64L << 20;
    private readonly MappedFile _map;
    private readonly Dictionary<string, PickleTensor> _tensors;
    private readonly IReadOnlyDictionary<string, long> _storages;

    /// <param name="root">The unpickled object.</param>
    /// <param name="storages">Offset in the file of every storage, by key; lengths are checked by the caller.</param>
    public PyTorchFile(
        MappedFile map,
        string format,
        object? root,
        string? wrapper,
        IReadOnlyDictionary<string, long> storages
    )
    {
        (_map, Format, _storages) = (map, format, storages);
        StateDictionary found = StateDictionary.Find(root, wrapper, map.Path);
        (_tensors, Wrapper, Metadata) = (found.Tensors, found.Wrapper, found.Metadata);
        var entries = new Dictionary<string, CheckpointEntry>(_tensors.Count, StringComparer.Ordinal);
        foreach ((string name, PickleTensor tensor) in _tensors)
        {
            long bytes = tensor.Type.Bytes(tensor.Shape)!.Value;
            if (bytes > map.Length + MaxExpanded)
                throw new CheckpointException(
                    map.Path,
                    $"tensor '{name}' expands to {bytes} bytes, far more than the file holds"
                );
            entries[name] = new CheckpointEntry(name, tensor.Type, tensor.Shape, bytes);
        }
        Entries = entries;
    }

    public string Path => _map.Path;

    public string Format { get; }

    public string? Wrapper { get; }

    public IReadOnlyDictionary<string, CheckpointEntry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    public torch.Tensor Read(string name)
    {
        if (!_tensors.TryGetValue(name, out PickleTensor? tensor))
            throw new KeyNotFoundException($"{Path} holds no tensor '{name}'");
        return _map.View(Begin(tensor), tensor.Shape, tensor.Strides, tensor.Type);
    }

    public void Forget(string name)
    {
        PickleTensor tensor = _tensors[name];
        if (!tensor.Shape.Contains(0))
            _map.Forget(Begin(tensor), MappedFile.Extent(tensor.Shape, tensor.Strides) * tensor.Type.Size);
    }

    public void Dispose() => _map.Release();

    private long Begin(PickleTensor tensor) =>
        _storages[tensor.Storage.Key] + (tensor.Storage.Skip + tensor.Offset) * tensor.Type.Size;
}
