using Coser.Checkpoints;
using static TorchSharp.torch;

namespace Coser.Metrics.Features;

/// <summary>Feature networks in model directories.</summary>
public static class FeatureNetworkFile
{
    /// <summary>Kind of the component.</summary>
    public const string Kind = FeatureNetworkConfig.Kind;

    /// <summary>The kind, for a model directory.</summary>
    public static NetworkKind<FeatureNetwork> NetworkKind { get; } =
        Checkpoints.NetworkKind.Of(
            Kind,
            (FeatureNetworkConfig config, Device device) => new FeatureNetwork(config, device)
        );

    /// <summary>Loads a feature network, in float32 on the CPU.</summary>
    /// <param name="model">Path or name of a model directory.</param>
    /// <param name="role">The component: <c>perceptual</c> or <c>evaluation</c>.</param>
    /// <exception cref="CheckpointException">The model has no such network, or it cannot be read.</exception>
    public static FeatureNetwork Load(string model, string role)
    {
        using ModelDirectory directory = ModelDirectory.Open(ModelDirectory.Find(model));
        return directory.Load(role, NetworkKind, dtype: float32);
    }
}
