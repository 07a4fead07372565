using System.Globalization;
using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;

namespace Coser.Cli.Models;

/// <summary>One tensor of a checkpoint file.</summary>
internal sealed record TensorSummary(string Name, string DType, long[] Shape);

/// <summary>What is said of a checkpoint file.</summary>
/// <param name="Layout">Which published layout it has, or what else it is; null: none that is known.</param>
/// <param name="Components">The networks it has tensors of.</param>
/// <param name="Unknown">Tensors that its layout does not have.</param>
internal sealed record CheckpointSummary(
    string Path,
    string Format,
    long Bytes,
    long Parameters,
    string? Layout,
    IReadOnlyList<string> Components,
    IReadOnlyList<string> Unknown,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<TensorSummary> Tensors
)
{
    /// <exception cref="CheckpointException">The file is missing or damaged, hostile or of no known format.</exception>
    public static CheckpointSummary Read(string path)
    {
        if (!File.Exists(path))
            throw new CheckpointException(path, "there is no such file");
        using ICheckpoint file = CheckpointFile.Open(path);
        RenamedCheckpoint? known = RenamingTables.Find(file)?.Apply(file);
        TensorSummary[] tensors =
        [
            .. file.Entries.Values.Select(e => new TensorSummary(e.Name, e.DType.ToString(), e.Shape)),
        ];
        return new CheckpointSummary(
            path,
            file.Wrapper is null ? file.Format : $"{file.Format}, weights in '{file.Wrapper}'",
            new FileInfo(path).Length,
            tensors.Sum(t => t.Shape.Aggregate(1L, (n, d) => n * d)),
            known?.Layout ?? RenamingTables.ForeignVerdict(file),
            known?.Components ?? [],
            known?.Unknown ?? [],
            file.Metadata,
            tensors
        );
    }

    public string ToText()
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine(Path);
        text.WriteLine(
            $"{Format}, {Tensors.Count} tensors, {Sizes.Count(Parameters)} values ({Parameters}), {Sizes.Bytes(Bytes)}"
        );
        text.WriteLine(
            Components is []
                ? $"layout: {Layout ?? "of no known model"}"
                : $"layout: {Layout} ({string.Join(", ", Components)})"
                    + (Unknown.Count > 0 ? $", {Unknown.Count} tensors belong to something else" : "")
        );
        foreach ((string key, string value) in Metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
            text.WriteLine($"{key}: {value}");
        int name = Tensors.Select(t => t.Name.Length).DefaultIfEmpty().Max();
        int type = Tensors.Select(t => t.DType.Length).DefaultIfEmpty().Max();
        foreach (TensorSummary t in Tensors)
            text.WriteLine($"  {t.Name.PadRight(name)}  {t.DType.PadRight(type)}  [{string.Join(", ", t.Shape)}]");
        return text.ToString().TrimEnd();
    }
}
