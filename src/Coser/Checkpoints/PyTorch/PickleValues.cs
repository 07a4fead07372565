namespace Coser.Checkpoints.PyTorch;

/// <summary>A class or function named in a pickle. It is only ever a name.</summary>
internal sealed record PickleClass(string Module, string Name)
{
    public string FullName { get; } = $"{Module}.{Name}";
}

/// <summary>An object whose content does not matter here.</summary>
internal sealed record PickleObject(PickleClass Class);

/// <summary>A Python dictionary: insertion order is kept, a string key set twice has its last value.</summary>
internal sealed class PickleDictionary
{
    private readonly List<KeyValuePair<object?, object?>> _items = [];
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);

    public IReadOnlyList<KeyValuePair<object?, object?>> Items => _items;

    public void Set(object? key, object? value)
    {
        if (key is string name && !_index.TryAdd(name, _items.Count))
            _items[_index[name]] = new(key, value);
        else
            _items.Add(new(key, value));
    }

    public object? Get(string name) => _index.TryGetValue(name, out int at) ? _items[at].Value : null;
}

/// <summary>Elements stored once in a file and shared by tensors.</summary>
/// <param name="Type">Null for an untyped storage, which counts bytes.</param>
/// <param name="Elements">Their number.</param>
/// <param name="Skip">Elements before the part that a legacy storage view shows.</param>
internal sealed record PickleStorage(string Key, ElementType? Type, long Elements, long Skip = 0);

/// <summary>A tensor as a pickle describes it: a window, in elements, of a storage.</summary>
internal sealed record PickleTensor(PickleStorage Storage, ElementType Type, long Offset, long[] Shape, long[] Strides);
