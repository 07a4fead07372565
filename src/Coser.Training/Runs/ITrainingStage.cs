using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>Tensors of one batch by name.</summary>
public sealed class TrainingBatch(IReadOnlyDictionary<string, Tensor> tensors) : IDisposable
{
    /// <summary>The tensor of that name.</summary>
    public Tensor this[string name] => tensors[name];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in tensors.Values)
            tensor.Dispose();
    }
}

/// <summary>What a validation found.</summary>
/// <param name="Metrics">Figures by name.</param>
/// <param name="Grid">Sample grid [3,H,W], [0,1], float32: a row a photo (degraded, restored, truth).</param>
public sealed record ValidationResult(IReadOnlyDictionary<string, double> Metrics, Tensor Grid) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Grid.Dispose();
}

/// <summary>One stage of training: what is optimised, on what, and how it is judged. The loop around it is shared.</summary>
public interface ITrainingStage : IDisposable
{
    /// <summary>Name of the stage, as in <c>coser train NAME</c>.</summary>
    string Name { get; }

    /// <summary>What is trained, by its name in the component file.</summary>
    IEnumerable<(string Name, Parameter Parameter)> Parameters { get; }

    /// <summary>Makes batch <paramref name="index"/>, the same whenever and wherever it is made. Called on worker threads.</summary>
    TrainingBatch MakeBatch(long index);

    /// <summary>Loss of a batch, a float32 scalar with gradients.</summary>
    Tensor Loss(TrainingBatch batch);

    /// <summary>Judges the given weights on fixed validation samples.</summary>
    ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights);

    /// <summary>Writes the given weights as a component of a model directory.</summary>
    void Export(
        IReadOnlyDictionary<string, Tensor> weights,
        string modelFolder,
        System.Text.Json.JsonElement provenance
    );
}
