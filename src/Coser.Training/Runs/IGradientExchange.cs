using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>
/// What processes that train one model together tell each other. All of them call the same members in the same order; each
/// call returns when every process has made it.
/// </summary>
/// <remarks>
/// Every process builds the stage from the same recipe, so all start from equal weights, and equal gradients keep them
/// equal. Process 0 alone writes the run's folder; the others read its checkpoints when they start.
/// </remarks>
public interface IGradientExchange : IDisposable
{
    /// <summary>This process's number, from 0.</summary>
    int Rank { get; }

    /// <summary>Processes that train together, at least 1.</summary>
    int Size { get; }

    /// <summary>Replaces each tensor by its mean over the processes, in place.</summary>
    /// <param name="gradients">The same shapes and types in the same order in every process; float32 or 16-bit.</param>
    /// <exception cref="IOException">A process is gone.</exception>
    void Average(IReadOnlyList<Tensor> gradients);

    /// <summary>Mean of a number over the processes; NaN where any gives NaN.</summary>
    /// <exception cref="IOException">A process is gone.</exception>
    double Average(double value);
}

/// <summary>One process alone: nothing to exchange.</summary>
public sealed class LocalExchange : IGradientExchange
{
    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public void Average(IReadOnlyList<Tensor> gradients) { }

    /// <inheritdoc/>
    public double Average(double value) => value;

    /// <inheritdoc/>
    public void Dispose() { }
}
