namespace Coser.Checkpoints.PyTorch;

/// <summary>
/// The zip format of PyTorch 1.6 and later: one root folder with <c>data.pkl</c> and a stored entry <c>data/KEY</c> a storage.
/// </summary>
internal static class PyTorchZip
{
    private const string Pickle = "/data.pkl";

    public static ICheckpoint Open(MappedFile map, string? wrapper)
    {
        ZipDirectory zip = ZipDirectory.Read(map);
        ZipItem pickle = FindPickle(map, zip);
        string root = pickle.Name[..^Pickle.Length];
        if (zip.Items.ContainsKey(root + "/constants.pkl"))
            throw new CheckpointException(
                map.Path,
                "it is a TorchScript program; load it with PyTorch and save its state_dict()"
            );
        if (zip.Items.TryGetValue(root + "/byteorder", out ZipItem? order) && !IsLittle(map, order))
            throw new CheckpointException(map.Path, "it was saved on a big-endian machine; save it again on another");
        var unpickler = new Unpickler(new PickleInput(map, pickle.Begin, pickle.Begin + pickle.Length));
        object? content = unpickler.Load();
        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (PickleStorage storage in unpickler.Storages)
        {
            string name = $"{root}/data/{storage.Key}";
            if (!zip.Items.TryGetValue(name, out ZipItem? item))
                throw new CheckpointException(map.Path, $"its storage '{name}' is missing");
            Int128 expected = (Int128)storage.Elements * (storage.Type?.Size ?? 1);
            if (item.Length < expected)
                throw new CheckpointException(
                    map.Path,
                    $"its storage '{name}' has {item.Length} bytes instead of {expected}"
                );
            offsets[storage.Key] = item.Begin;
        }
        return new PyTorchFile(map, "PyTorch (zip)", content, wrapper, offsets);
    }

    private static ZipItem FindPickle(MappedFile map, ZipDirectory zip)
    {
        ZipItem[] found =
        [
            .. zip.Items.Values.Where(i =>
                i.Name.EndsWith(Pickle, StringComparison.Ordinal)
                && i.Name.IndexOf('/') == i.Name.Length - Pickle.Length
            ),
        ];
        return found.Length switch
        {
            1 => found[0],
            0 => throw new CheckpointException(map.Path, "it is a zip archive without data.pkl, so no PyTorch file"),
            _ => throw new CheckpointException(
                map.Path,
                "it is a zip archive of several PyTorch files; unpack it first"
            ),
        };
    }

    private static bool IsLittle(MappedFile map, ZipItem order) =>
        order.Length < 16 && map.Bytes(order.Begin, (int)order.Length).SequenceEqual("little"u8);
}
