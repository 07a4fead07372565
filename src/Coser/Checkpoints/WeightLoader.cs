using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>What separates the tensors of a file from the parameters of a network.</summary>
/// <param name="Missing">Names the network has and the file lacks.</param>
/// <param name="Unexpected">Names the file has and the network lacks.</param>
/// <param name="MisShaped">"name [file shape] instead of [network shape]".</param>
public sealed record WeightMismatch(
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Unexpected,
    IReadOnlyList<string> MisShaped
)
{
    /// <summary>True when every tensor has its parameter and the other way round.</summary>
    public bool IsEmpty => Missing.Count + Unexpected.Count + MisShaped.Count == 0;

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join("; ", Part("missing", Missing), Part("unexpected", Unexpected), Part("of another shape", MisShaped))
            .Trim(' ', ';');

    private static string Part(string what, IReadOnlyList<string> names) =>
        names.Count == 0 ? "" : $"{names.Count} {what}: {string.Join(", ", names)}";
}

/// <summary>Fills a network from named tensors. Unlike <c>load_state_dict</c> it never broadcasts and names every misfit.</summary>
public static class WeightLoader
{
    /// <summary>Compares names and shapes without touching the network.</summary>
    public static WeightMismatch Compare(torch.nn.Module network, SafetensorsFile file)
    {
        Dictionary<string, torch.Tensor> state = network.state_dict();
        return new WeightMismatch(
            [.. state.Keys.Where(k => !file.Entries.ContainsKey(k))],
            [.. file.Entries.Keys.Where(k => !state.ContainsKey(k))],
            [
                .. file
                    .Entries.Values.Where(e => state.TryGetValue(e.Name, out var p) && !p.shape.SequenceEqual(e.Shape))
                    .Select(e =>
                        $"{e.Name} [{string.Join(",", e.Shape)}] instead of [{string.Join(",", state[e.Name].shape)}]"
                    ),
            ]
        );
    }

    /// <summary>Copies every tensor into its parameter, converted to the parameter's type and device.</summary>
    /// <exception cref="CheckpointException">A tensor is missing, unexpected or of another shape; all are named.</exception>
    public static void Fill(torch.nn.Module network, SafetensorsFile file, string path)
    {
        WeightMismatch mismatch = Compare(network, file);
        if (!mismatch.IsEmpty)
            throw new CheckpointException(path, $"its tensors do not fit the network: {mismatch}");
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        foreach ((string name, torch.Tensor parameter) in network.state_dict())
            parameter.copy_(file.Read(name));
    }
}
