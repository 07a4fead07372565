using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Metrics.Features;

/// <summary>Feature networks in model directories.</summary>
public static class FeatureNetworkFile
{
    /// <summary>Kind of the component.</summary>
    public const string Kind = "features";

    /// <summary>Builds and fills a feature network, in float32 on the CPU.</summary>
    /// <param name="model">Path or name of a model directory.</param>
    /// <param name="role">The component: <c>perceptual</c> or <c>evaluation</c>.</param>
    /// <exception cref="CheckpointException">The model has no such network, or it cannot be read.</exception>
    public static FeatureNetwork Load(string model, string role)
    {
        using ModelDirectory directory = ModelDirectory.Open(ModelDirectory.Find(model));
        if (!directory.Manifest.Components.TryGetValue(role, out ComponentManifest? component))
            throw new CheckpointException(directory.Folder, $"the model has no component '{role}'");
        if (component.Kind != Kind)
            throw new CheckpointException(directory.Folder, $"its '{role}' is a '{component.Kind}', not a '{Kind}'");
        string path = Path.Combine(directory.Folder, component.File);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        FeatureNetwork? network = null;
        try
        {
            network = new FeatureNetwork(component.Config.Deserialize<FeatureNetworkConfig>(CoserJson.Strict)!);
            WeightLoader.Fill(network, file, path);
            network.eval();
            return network;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new CheckpointException(directory.Folder, $"{role}: {e.Message}", e);
        }
        catch
        {
            network?.Dispose();
            throw;
        }
    }
}
