using Coser.Engine;
using Coser.Training.Data;

namespace Coser.Training.Runs;

/// <summary>A stage as the command line knows it: its recipe's type and how it is built from one.</summary>
public interface IStageKind
{
    /// <summary>Name, as in <c>coser train NAME</c> and in a run's checkpoints.</summary>
    string Name { get; }

    /// <summary>One sentence for the help text.</summary>
    string Description { get; }

    /// <summary>Reads a recipe of this stage.</summary>
    /// <exception cref="InvalidDataException">The file is missing or not a sound recipe; the message says where.</exception>
    TrainingRecipe ReadRecipe(string path);

    /// <summary>Builds the stage with freshly initialised networks.</summary>
    /// <exception cref="ArgumentException">The recipe's sizes do not fit each other.</exception>
    ITrainingStage Create(TrainingRecipe recipe, PhotoIndex data, Compute compute);
}

/// <inheritdoc cref="IStageKind"/>
/// <typeparam name="T">The recipe.</typeparam>
public sealed class StageKind<T>(string name, string description, Func<T, PhotoIndex, Compute, ITrainingStage> create)
    : IStageKind
    where T : TrainingRecipe
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string Description => description;

    /// <inheritdoc/>
    public TrainingRecipe ReadRecipe(string path) => TrainingRecipe.Read<T>(path);

    /// <inheritdoc/>
    public ITrainingStage Create(TrainingRecipe recipe, PhotoIndex data, Compute compute) =>
        create((T)recipe, data, compute);
}
