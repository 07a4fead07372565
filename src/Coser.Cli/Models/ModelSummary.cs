using Coser.Checkpoints;

namespace Coser.Cli.Models;

/// <summary>What is said of a model directory.</summary>
internal sealed record ModelSummary(
    string Name,
    string Description,
    string Folder,
    string Licence,
    string Hash,
    int Scale,
    bool PreSrOnly,
    long Parameters,
    long Bytes,
    IReadOnlyList<ModelComponent> Components
)
{
    /// <exception cref="CheckpointException">There is no such model, or it is damaged.</exception>
    public static ModelSummary Read(string nameOrPath)
    {
        using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(nameOrPath));
        return new ModelSummary(
            model.Manifest.Name,
            model.Manifest.Description,
            model.Folder,
            model.Manifest.Licence,
            model.Hash,
            model.Manifest.Scale,
            model.IsPreSrOnly,
            model.Components.Sum(c => c.Parameters),
            model.Components.Sum(c => c.Bytes),
            [.. model.Components]
        );
    }
}
