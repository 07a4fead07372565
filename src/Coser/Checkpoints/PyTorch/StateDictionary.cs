using System.Globalization;
using System.Numerics;

namespace Coser.Checkpoints.PyTorch;

/// <summary>Finds the tensors in an unpickled object: which dictionary holds the weights, and their names in it.</summary>
internal sealed class StateDictionary
{
    private const int MaxDepth = 64;
    private const int MaxValues = 2_000_000; // one dictionary can be reached by many ways
    private static readonly string[] Wrappers = ["state_dict", "params_ema", "params", "model_state_dict", "model"];

    private readonly string _path;
    private int _values;

    private StateDictionary(string path) => _path = path;

    /// <summary>The dictionary taken, or null for the top level.</summary>
    public string? Wrapper { get; private set; }

    /// <summary>Tensors by name: keys of nested dictionaries joined by dots, list elements by number.</summary>
    public Dictionary<string, PickleTensor> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>Numbers and text at the top level, e.g. <c>global_step</c>.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <param name="wrapper">The dictionary to take; null: the first known one, unless the top level itself holds tensors.</param>
    public static StateDictionary Find(object? root, string? wrapper, string path)
    {
        var found = new StateDictionary(path);
        if (root is PickleDictionary top)
            root = found.Unwrap(top, wrapper);
        else if (wrapper is not null)
            throw new CheckpointException(path, $"it holds no dictionary '{wrapper}'");
        found.Collect("", root, 0);
        return found.Tensors.Count > 0 ? found : throw new CheckpointException(path, "it holds no tensor");
    }

    private PickleDictionary Unwrap(PickleDictionary top, string? wrapper)
    {
        foreach ((object? key, object? value) in top.Items)
        {
            if (key is string name && Describe(value) is { } text)
                Metadata[name] = text;
        }
        bool bare = !top.Items.Any(i => i.Value is PickleTensor);
        string? taken = wrapper ?? (bare ? Array.Find(Wrappers, w => top.Get(w) is PickleDictionary) : null);
        if (taken is null)
            return top;
        Wrapper = taken;
        return top.Get(taken) as PickleDictionary
            ?? throw new CheckpointException(
                _path,
                $"it holds no dictionary '{taken}', only: "
                    + string.Join(", ", top.Items.Where(i => i.Value is PickleDictionary).Take(20).Select(i => i.Key))
            );
    }

    private void Collect(string name, object? value, int depth)
    {
        if (++_values > MaxValues || depth > MaxDepth)
            throw new CheckpointException(_path, "its dictionaries are nested without end");
        switch (value)
        {
            case PickleTensor tensor:
                if (!Tensors.TryAdd(name.Length > 0 ? name : "tensor", tensor))
                    throw new CheckpointException(_path, $"it holds two tensors named '{name}'");
                break;
            case PickleDictionary dictionary:
                foreach ((object? key, object? item) in dictionary.Items)
                {
                    if (key is string or long)
                        Collect(Join(name, Convert.ToString(key, CultureInfo.InvariantCulture)!), item, depth + 1);
                }
                break;
            case List<object?> list:
                CollectAll(name, list, depth);
                break;
            case object?[] tuple:
                CollectAll(name, tuple, depth);
                break;
        }
    }

    private void CollectAll(string name, IReadOnlyList<object?> items, int depth)
    {
        for (int i = 0; i < items.Count; i++)
            Collect(Join(name, i.ToString(CultureInfo.InvariantCulture)), items[i], depth + 1);
    }

    private string Join(string name, string key)
    {
        const int MaxName = 4096;
        if (name.Length + key.Length > MaxName)
            throw new CheckpointException(_path, "it holds a tensor with an endless name");
        return name.Length > 0 ? $"{name}.{key}" : key;
    }

    private static string? Describe(object? value) =>
        value is string or long or double or bool or BigInteger
            ? Convert.ToString(value, CultureInfo.InvariantCulture)
            : null;
}
