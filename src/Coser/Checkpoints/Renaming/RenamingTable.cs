namespace Coser.Checkpoints.Renaming;

/// <summary>Where one key of a file goes.</summary>
/// <param name="Part">Which part of the target, along its first dimension, when several keys make one tensor.</param>
/// <param name="Parts">How many keys make it.</param>
/// <param name="Rank">Dimensions of the target, ones being appended; 0 keeps the shape.</param>
internal sealed record RenamingTarget(string Component, string Key, int Part = 0, int Parts = 1, int Rank = 0);

/// <summary>Keys of a layout that no component needs.</summary>
/// <param name="Name">What they are, e.g. <c>schedule buffers</c>.</param>
/// <param name="Keys">Exact keys, or prefixes where they end in a dot.</param>
/// <param name="Reason">Why they can go.</param>
public sealed record IgnorableKeys(string Name, IReadOnlyList<string> Keys, string Reason)
{
    /// <summary>Whether the list names the key.</summary>
    public bool Contains(string key) =>
        Keys.Any(k => k.EndsWith('.') ? key.StartsWith(k, StringComparison.Ordinal) : key == k);
}

/// <summary>A tensor of a component and what it is made of: its sources joined along the first dimension, then reshaped.</summary>
/// <param name="Component">One of <see cref="ComponentNames"/>.</param>
/// <param name="Key">Its name in the component, the reference implementation's.</param>
/// <param name="Sources">Keys of the file.</param>
public sealed record RenamedTensor(
    string Component,
    string Key,
    ElementType DType,
    long[] Shape,
    IReadOnlyList<string> Sources
);

/// <summary>What a table makes of a file.</summary>
/// <param name="Layout">Name of the table.</param>
/// <param name="Ignored">Keys left out, with the name of the list that allows it.</param>
/// <param name="Unknown">Keys the table does not know, or that lack their counterparts.</param>
public sealed record RenamedCheckpoint(
    string Layout,
    IReadOnlyList<RenamedTensor> Tensors,
    IReadOnlyDictionary<string, string> Ignored,
    IReadOnlyList<string> Unknown
)
{
    /// <summary>The components it has tensors of, in the order of the pipeline.</summary>
    public IReadOnlyList<string> Components => [.. ComponentNames.All.Where(c => Tensors.Any(t => t.Component == c))];

    /// <summary>Refuses a file that holds more than its layout knows.</summary>
    /// <exception cref="CheckpointException">Some key is unknown.</exception>
    public void RequireKnown(string path)
    {
        const int Shown = 3;
        if (Unknown.Count > 0)
        {
            throw new CheckpointException(
                path,
                $"it looks like {Layout}, but {Unknown.Count} of its tensors belong to something else: "
                    + string.Join(", ", Unknown.Take(Shown))
                    + (Unknown.Count > Shown ? ", ..." : "")
            );
        }
    }
}

/// <summary>Maps the keys of one file layout to components. The only place that knows the layout.</summary>
public sealed class RenamingTable
{
    private readonly Func<string, IReadOnlySet<string>, RenamingTarget?> _rename;
    private readonly string[] _present;
    private readonly string[] _absent;

    /// <param name="present">Keys a file of this layout has.</param>
    /// <param name="absent">Keys it does not have, which tell it from similar layouts.</param>
    /// <param name="rename">(key, all keys of the file) to its target; null for an unknown key.</param>
    internal RenamingTable(
        string layout,
        string[] present,
        string[] absent,
        IReadOnlyList<IgnorableKeys> ignorable,
        Func<string, IReadOnlySet<string>, RenamingTarget?> rename
    )
    {
        (Layout, _present, _absent, Ignorable, _rename) = (layout, present, absent, ignorable, rename);
    }

    /// <summary>Name of the layout.</summary>
    public string Layout { get; }

    /// <summary>The keys that may be left out.</summary>
    public IReadOnlyList<IgnorableKeys> Ignorable { get; }

    /// <summary>Whether a file with these keys has this layout.</summary>
    public bool Fits(IReadOnlyDictionary<string, CheckpointEntry> entries) =>
        Array.TrueForAll(_present, entries.ContainsKey) && !Array.Exists(_absent, entries.ContainsKey);

    /// <summary>Maps every key of the file.</summary>
    /// <exception cref="CheckpointException">Two keys claim the same parameter, or parts of one do not fit together.</exception>
    public RenamedCheckpoint Apply(ICheckpoint file)
    {
        var keys = file.Entries.Keys.ToHashSet(StringComparer.Ordinal);
        var parts = new Dictionary<(string Component, string Key), (CheckpointEntry?[] Sources, int Rank)>();
        var ignored = new Dictionary<string, string>(StringComparer.Ordinal);
        var unknown = new List<string>();
        foreach (CheckpointEntry entry in file.Entries.Values)
        {
            if (Ignorable.FirstOrDefault(i => i.Contains(entry.Name)) is { } list)
            {
                ignored[entry.Name] = list.Name;
            }
            else if (_rename(entry.Name, keys) is not { } target)
            {
                unknown.Add(entry.Name);
            }
            else
            {
                if (!parts.TryGetValue((target.Component, target.Key), out var made))
                    parts[(target.Component, target.Key)] = made = (new CheckpointEntry?[target.Parts], target.Rank);
                if (made.Sources.Length != target.Parts || made.Sources[target.Part] is not null)
                    throw new CheckpointException(file.Path, $"two tensors claim '{target.Key}' of {target.Component}");
                made.Sources[target.Part] = entry;
            }
        }
        var tensors = new List<RenamedTensor>(parts.Count);
        foreach (((string component, string key), (CheckpointEntry?[] sources, int rank)) in parts)
        {
            CheckpointEntry[] found = [.. sources.OfType<CheckpointEntry>()];
            if (found.Length == sources.Length)
                tensors.Add(Join(file.Path, component, key, found, rank));
            else
                unknown.AddRange(found.Select(e => e.Name));
        }
        return new RenamedCheckpoint(Layout, tensors, ignored, unknown);
    }

    private static RenamedTensor Join(string path, string component, string key, CheckpointEntry[] sources, int rank)
    {
        CheckpointEntry first = sources[0];
        var shape = first.Shape.ToList();
        if (sources.Length > 1)
        {
            bool fit = sources.All(s =>
                s.DType == first.DType && s.Shape.Length > 0 && s.Shape.AsSpan(1).SequenceEqual(first.Shape.AsSpan(1))
            );
            if (!fit)
                throw new CheckpointException(path, $"the parts of '{key}' ({component}) differ in type or shape");
            shape[0] = sources.Sum(s => s.Shape[0]);
        }
        while (shape.Count < rank)
            shape.Add(1);
        return new RenamedTensor(component, key, first.DType, [.. shape], [.. sources.Select(s => s.Name)]);
    }
}
