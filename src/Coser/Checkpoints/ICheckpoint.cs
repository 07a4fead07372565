using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>Name, type and shape of one tensor in a checkpoint file.</summary>
/// <param name="Length">Length in bytes when dense.</param>
public sealed record CheckpointEntry(string Name, ElementType DType, long[] Shape, long Length);

/// <summary>
/// A checkpoint file of any format: named tensors, read on the CPU as views of the mapped file where its layout allows.
/// The map lives as long as this object or any tensor made from it.
/// </summary>
public interface ICheckpoint : IDisposable
{
    /// <summary>The file, as it was named when opened.</summary>
    string Path { get; }

    /// <summary>The format in words, e.g. <c>safetensors</c>, <c>PyTorch (zip)</c>.</summary>
    string Format { get; }

    /// <summary>
    /// The dictionary inside the file that was taken for the weights, e.g. <c>state_dict</c> or <c>params_ema</c>; null when
    /// the weights lie at the top.
    /// </summary>
    string? Wrapper { get; }

    /// <summary>The tensors by name, in the order of the file.</summary>
    IReadOnlyDictionary<string, CheckpointEntry> Entries { get; }

    /// <summary>What the file says beside its tensors: safetensors metadata, or a training run's counters.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor of that name on the CPU, a view of the mapped file. Treat it as read-only.</summary>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    /// <exception cref="CheckpointException">The engine has no such element type.</exception>
    torch.Tensor Read(string name);

    /// <summary>
    /// Lets the pages of a tensor leave this process's memory. Read again they come back from the file, so tensors made from
    /// them stay valid. A walk over a large file needs no more memory than its largest tensor.
    /// </summary>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    void Forget(string name) { }
}
