using Coser.Checkpoints;
using Coser.Engine;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;

namespace Coser.Restoration;

/// <summary>The networks of a whole CoSeR model, on their device and in their precision.</summary>
/// <param name="Wrapping">The autoencoder whose decoder fuses features; may be <paramref name="Autoencoder"/> itself.</param>
public sealed record CoserNetworks(
    MsrResNet PreSr,
    ClipModel Clip,
    CognitiveAdapter Adapter,
    UnetModel Unet,
    ControlEncoder Control,
    KlAutoencoder Autoencoder,
    KlAutoencoder? Wrapping
) : IDisposable
{
    /// <summary>Loads the networks of a model.</summary>
    /// <exception cref="CheckpointException">A component is missing or does not fit its network.</exception>
    public static CoserNetworks Load(ModelDirectory model, Compute compute) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose()
    {
        PreSr.Dispose();
        Clip.Dispose();
        Adapter.Dispose();
        Unet.Dispose();
        Control.Dispose();
        if (!ReferenceEquals(Wrapping, Autoencoder))
            Wrapping?.Dispose();
        Autoencoder.Dispose();
    }
}
