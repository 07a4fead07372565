using System.Text.Json;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Training.Adversarial;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>Tensors of one batch by name.</summary>
public sealed class TrainingBatch(IReadOnlyDictionary<string, Tensor> tensors) : IDisposable
{
    /// <summary>The same batch on a device.</summary>
    public TrainingBatch To(Device device) =>
        new(tensors.ToDictionary(t => t.Key, t => t.Value.to(device), StringComparer.Ordinal));

    /// <summary>Samples joined along the first axis; all have the same names.</summary>
    /// <returns>Tensors outside any dispose scope.</returns>
    public static TrainingBatch Join(IReadOnlyList<IReadOnlyDictionary<string, Tensor>> samples) =>
        new(
            samples[0]
                .Keys.ToDictionary(
                    name => name,
                    name => cat([.. samples.Select(s => s[name])]).DetachFromDisposeScope(),
                    StringComparer.Ordinal
                )
        );

    /// <summary>True when there is a tensor of that name.</summary>
    public bool Has(string name) => tensors.ContainsKey(name);

    /// <summary>The tensor of that name.</summary>
    public Tensor this[string name] => tensors[name];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in tensors.Values)
            tensor.Dispose();
    }
}

/// <summary>A loss and what it is made of.</summary>
/// <param name="Total">What is minimised: a float32 scalar with gradients.</param>
/// <param name="Terms">Its parts by name, for the log; scalars, gradients are not needed.</param>
public sealed record StageLoss(Tensor Total, params IReadOnlyList<(string Name, Tensor Value)> Terms)
{
    /// <summary>What the stage's adversary minimises in this step; null where it does not play.</summary>
    public Tensor? Adversary { get; init; }
}

/// <summary>What a validation found.</summary>
/// <param name="Metrics">Figures by name.</param>
/// <param name="Grid">Sample grid [3,H,W], [0,1], float32: a row a photo (degraded, restored, truth); null where
/// there is nothing to look at.</param>
public sealed record ValidationResult(IReadOnlyDictionary<string, double> Metrics, Tensor? Grid) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Grid?.Dispose();
}

/// <summary>A trained network as it goes into a model directory.</summary>
/// <param name="Role">Its place in the model, e.g. <c>presr</c>.</param>
/// <param name="Kind">Its network class, e.g. <c>msrresnet</c>.</param>
/// <param name="Config">Its hyper-parameters.</param>
/// <param name="Weights">By name.</param>
public sealed record TrainedComponent(
    string Role,
    string Kind,
    JsonElement Config,
    IReadOnlyDictionary<string, Tensor> Weights
)
{
    /// <summary>Folders that go into the model directory with it, whole, and what they are called there.</summary>
    public IReadOnlyList<(string From, string Name)> Folders { get; init; } = [];

    /// <summary>With the hyper-parameters as the model's readers expect them.</summary>
    public static TrainedComponent Create(
        string role,
        string kind,
        object config,
        IReadOnlyDictionary<string, Tensor> weights
    ) => new(role, kind, JsonSerializer.SerializeToElement(config, CoserJson.Strict), weights);
}

/// <summary>One stage of training: what is optimised, on what, and how it is judged. The loop around it is shared.</summary>
public interface ITrainingStage : IDisposable
{
    /// <summary>Name of the stage, as in <c>coser train NAME</c>.</summary>
    string Name { get; }

    /// <summary>What is trained, by a name that is unique in the stage.</summary>
    IEnumerable<(string Name, Parameter Parameter)> Parameters { get; }

    /// <summary>Where the networks are, and their number format.</summary>
    Compute Compute { get; }

    /// <summary>A discriminator that learns against the stage's networks; null: none.</summary>
    Adversary? Adversary => null;

    /// <summary>Makes batch <paramref name="index"/>, the same whenever and wherever it is made. Called on worker threads.</summary>
    /// <returns>Tensors on the CPU.</returns>
    TrainingBatch MakeBatch(long index);

    /// <summary>Loss of a batch.</summary>
    /// <param name="batch">On the stage's device.</param>
    /// <param name="stepsDone">Steps done before this one.</param>
    StageLoss Loss(TrainingBatch batch, long stepsDone);

    /// <summary>Judges the given weights on fixed validation samples.</summary>
    /// <param name="weights">On the stage's device: a value for each of <see cref="Parameters"/>.</param>
    ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights);

    /// <summary>The networks these weights make.</summary>
    /// <param name="weights">A value for each of <see cref="Parameters"/>.</param>
    IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights);
}
