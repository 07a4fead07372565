using Coser.Engine;
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
    public override string ToString() => Text(int.MaxValue);

    /// <summary>The same with a few names of each sort.</summary>
    internal string Shortened() => Text(3);

    private string Text(int shown) =>
        string.Join(
                "; ",
                Part("missing", Missing, shown),
                Part("unexpected", Unexpected, shown),
                Part("of another shape", MisShaped, shown)
            )
            .Trim(' ', ';');

    private static string Part(string what, IReadOnlyList<string> names, int shown) =>
        names.Count == 0
            ? ""
            : $"{names.Count} {what}: {string.Join(", ", names.Take(shown))}{(names.Count > shown ? ", ..." : "")}";
}

/// <summary>Fills a network from named tensors. Unlike <c>load_state_dict</c> it never broadcasts and names every misfit.</summary>
public static class WeightLoader
{
    /// <summary>Compares names and shapes without touching the network.</summary>
    public static WeightMismatch Compare(torch.nn.Module network, ICheckpoint file) =>
        Compare(network, file.Entries.ToDictionary(e => e.Key, e => e.Value.Shape, StringComparer.Ordinal));

    /// <summary>Compares names and shapes without touching the network.</summary>
    /// <param name="shapes">Of the tensors that are there, by name.</param>
    internal static WeightMismatch Compare(torch.nn.Module network, IReadOnlyDictionary<string, long[]> shapes)
    {
        Dictionary<string, torch.Tensor> state = network.state_dict();
        return new WeightMismatch(
            [.. state.Keys.Where(k => !shapes.ContainsKey(k))],
            [.. shapes.Keys.Where(k => !state.ContainsKey(k))],
            [
                .. shapes
                    .Where(s => state.TryGetValue(s.Key, out torch.Tensor? p) && !p.shape.SequenceEqual(s.Value))
                    .Select(s =>
                        $"{s.Key} [{string.Join(",", s.Value)}] instead of [{string.Join(",", state[s.Key].shape)}]"
                    ),
            ]
        );
    }

    /// <summary>Copies every tensor into its parameter, converted to the parameter's type and device.</summary>
    /// <exception cref="CheckpointException">A tensor is missing, unexpected or of another shape; all are named.</exception>
    public static void Fill(torch.nn.Module network, ICheckpoint file, string path)
    {
        RequireFit(network, file, path);
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        foreach ((string name, torch.Tensor parameter) in network.state_dict())
            parameter.copy_(file.Read(name));
    }

    /// <summary>
    /// Puts the file's tensors in the place of a network's parameters and buffers, whose own values, if they have any, are
    /// never looked at: build it on the META device. On the CPU, in the type of the file, the tensors are views of the mapped
    /// file: nothing is read until it is used, and the file stays mapped as long as the network lives. All else is copied
    /// tensor by tensor: other types, other devices, and what does not start at a multiple of 64 bytes, where kernels round
    /// differently (<see cref="SafetensorsWriter"/> leaves few such). The parameters ask for no gradients and must not be written to.
    /// </summary>
    /// <param name="device">Null: the CPU.</param>
    /// <param name="dtype">Type of the floating-point tensors; null: each as in the file.</param>
    /// <exception cref="CheckpointException">A tensor is missing, unexpected or of another shape; all are named.</exception>
    public static void Attach(
        torch.nn.Module network,
        ICheckpoint file,
        string path,
        torch.Device? device = null,
        torch.ScalarType? dtype = null
    )
    {
        RequireFit(network, file, path);
        using var noGrad = torch.no_grad();
        foreach ((string name, torch.Tensor parameter) in network.state_dict())
        {
            using var scope = torch.NewDisposeScope();
            torch.Tensor stored = file.Read(name);
            torch.ScalarType type = dtype is { } wanted && stored.is_floating_point() ? wanted : stored.dtype;
            bool isView =
                type == stored.dtype && (device ?? torch.CPU).type == DeviceType.CPU && TensorMemory.IsAligned(stored);
            TensorHandle.Take(parameter, isView ? stored : stored.to(type, device ?? torch.CPU, copy: true));
            if (!isView)
                file.Forget(name);
        }
    }

    private static void RequireFit(torch.nn.Module network, ICheckpoint file, string path)
    {
        WeightMismatch mismatch = Compare(network, file);
        if (!mismatch.IsEmpty)
            throw new CheckpointException(path, $"its tensors do not fit the network: {mismatch}");
    }
}
