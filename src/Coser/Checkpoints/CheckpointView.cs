using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>One file's part of a <see cref="CheckpointView"/>.</summary>
/// <param name="File">Its tensors.</param>
/// <param name="Rename">A key of the network for a key of the file; null: the network does not need it.</param>
internal readonly record struct ViewPart(ICheckpoint File, Func<string, string?> Rename);

/// <summary>Several files under a network's own names, as one checkpoint. Closing it closes the files.</summary>
internal sealed class CheckpointView : ICheckpoint
{
    private readonly ViewPart[] _parts;
    private readonly Dictionary<string, (ICheckpoint File, string Name)> _sources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CheckpointEntry> _entries = new(StringComparer.Ordinal);

    /// <exception cref="CheckpointException">Two files hold the same tensor of the network.</exception>
    public CheckpointView(params ViewPart[] parts)
    {
        _parts = parts;
        foreach ((ICheckpoint file, Func<string, string?> rename) in parts)
        {
            foreach (CheckpointEntry entry in file.Entries.Values)
            {
                if (rename(entry.Name) is not { } name)
                    continue;
                if (!_entries.TryAdd(name, entry with { Name = name }))
                    throw new CheckpointException(file.Path, $"two tensors claim '{name}'");
                _sources[name] = (file, entry.Name);
            }
        }
    }

    public string Path => string.Join(" and ", _parts.Select(p => p.File.Path));

    public string Format => _parts[0].File.Format;

    public string? Wrapper => _parts[0].File.Wrapper;

    public IReadOnlyDictionary<string, CheckpointEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    public torch.Tensor Read(string name) => _sources[name].File.Read(_sources[name].Name);

    public void Forget(string name) => _sources[name].File.Forget(_sources[name].Name);

    public void Dispose()
    {
        foreach (ViewPart part in _parts)
            part.File.Dispose();
    }
}
