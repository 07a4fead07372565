using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;
using static TorchSharp.torch;

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
    /// <summary>
    /// Loads the networks of a model. Without a component <c>cfw</c> the autoencoder itself wraps features, if it can.
    /// </summary>
    /// <exception cref="CheckpointException">A component is missing or does not fit its network.</exception>
    public static CoserNetworks Load(ModelDirectory model, Compute compute)
    {
        var loaded = new List<nn.Module>();
        try
        {
            KlAutoencoder autoencoder = One(ComponentNames.Autoencoder, NetworkKinds.Autoencoder);
            KlAutoencoder? wrapping = model.Manifest.Components.ContainsKey(ComponentNames.Cfw)
                ? One(ComponentNames.Cfw, NetworkKinds.Autoencoder)
                : null;
            return new CoserNetworks(
                One(ComponentNames.PreSr, NetworkKinds.MsrResNet),
                One(ComponentNames.Clip, NetworkKinds.Clip),
                One(ComponentNames.Adapter, NetworkKinds.Adapter),
                One(ComponentNames.Unet, NetworkKinds.Unet),
                One(ComponentNames.Control, NetworkKinds.Control),
                autoencoder,
                wrapping ?? (autoencoder.Fuses ? autoencoder : null)
            );
        }
        catch
        {
            loaded.ForEach(network => network.Dispose());
            throw;
        }

        T One<T>(string role, NetworkKind<T> kind)
            where T : nn.Module
        {
            T network = model.Load(role, kind, compute.Device, compute.DType);
            loaded.Add(network);
            return network;
        }
    }

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
