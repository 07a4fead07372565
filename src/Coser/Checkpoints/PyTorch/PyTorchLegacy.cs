using System.Numerics;

namespace Coser.Checkpoints.PyTorch;

/// <summary>
/// The stream format of PyTorch before 1.6: five pickles (magic number, version, machine, object, storage keys), then for each
/// key its number of elements and its bytes.
/// </summary>
internal static class PyTorchLegacy
{
    private const long Version = 1001;
    private static readonly BigInteger Magic = BigInteger.Parse(
        "1950a86a20f9469cfc6c",
        System.Globalization.NumberStyles.HexNumber
    );

    public static ICheckpoint Open(MappedFile map, string? wrapper)
    {
        var input = new PickleInput(map, 0, map.Length);
        if (new Unpickler(input).Load() is not BigInteger magic || magic != Magic)
            throw input.Error("it is a pickle but no PyTorch file");
        if (new Unpickler(input).Load() is not Version)
            throw input.Error("it is a PyTorch stream of an unknown version");
        if (new Unpickler(input).Load() is not PickleDictionary machine)
            throw input.Error("it does not say on what machine it was saved");
        if (machine.Get("little_endian") is not true)
            throw input.Error("it was saved on a big-endian machine; save it again on another");
        var unpickler = new Unpickler(input);
        object? content = unpickler.Load();
        if (new Unpickler(input).Load() is not List<object?> keys)
            throw input.Error("it does not list its storages");
        Dictionary<string, long> offsets = ReadStorages(input, keys, unpickler.Storages);
        return new PyTorchFile(map, "PyTorch (legacy)", content, wrapper, offsets);
    }

    private static Dictionary<string, long> ReadStorages(
        PickleInput input,
        List<object?> keys,
        List<PickleStorage> described
    )
    {
        var byKey = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        foreach (PickleStorage storage in described)
            byKey.TryAdd(storage.Key, storage);
        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (object? key in keys)
        {
            string name = key as string ?? (key as long?)?.ToString() ?? "";
            if (!byKey.TryGetValue(name, out PickleStorage? storage))
                throw input.Error($"it lists the storage '{name}', which no tensor describes");
            long elements = input.Int64();
            if (elements != storage.Elements)
                throw input.Error($"its storage '{name}' holds {elements} elements instead of {storage.Elements}");
            if (!offsets.TryAdd(name, input.Position))
                throw input.Error($"it lists the storage '{name}' twice");
            input.Skip(elements, storage.Type?.Size ?? 1);
        }
        foreach (PickleStorage storage in described)
        {
            if (!offsets.ContainsKey(storage.Key))
                throw input.Error($"its storage '{storage.Key}' is missing");
            PickleStorage first = byKey[storage.Key];
            if ((Int128)storage.Elements * (storage.Type?.Size ?? 1) > (Int128)first.Elements * (first.Type?.Size ?? 1))
                throw input.Error($"it describes the storage '{storage.Key}' in two sizes");
        }
        return offsets;
    }
}
