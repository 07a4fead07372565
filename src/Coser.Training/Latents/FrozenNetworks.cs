using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Restoration;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>The networks of a model that later stages look through but do not train.</summary>
public sealed class FrozenNetworks : IDisposable
{
    private readonly KlAutoencoder _autoencoder;
    private readonly MsrResNet? _preSr;
    private readonly ClipModel? _clip;
    private readonly CognitiveAdapter? _adapter;
    private readonly Cognition? _cognition;
    private readonly Device _device;

    /// <summary>Loads what the model has of them; only the autoencoder must be there.</summary>
    /// <exception cref="CheckpointException">The autoencoder is missing, or a component is damaged.</exception>
    public FrozenNetworks(ModelDirectory model, Compute compute)
    {
        _device = compute.Device;
        Enlargement = (model.Manifest.Restoration ?? new RestorationConfig()).Enlargement;
        try
        {
            _autoencoder = model.Load(
                ComponentNames.Autoencoder,
                NetworkKinds.Autoencoder,
                compute.Device,
                compute.DType
            );
            _preSr = Optional(ComponentNames.PreSr, NetworkKinds.MsrResNet);
            _clip = Optional(ComponentNames.Clip, NetworkKinds.Clip);
            _adapter = Optional(ComponentNames.Adapter, NetworkKinds.Adapter);
        }
        catch
        {
            Dispose();
            throw;
        }
        if (_preSr is not null && _clip is not null && _adapter is not null)
            _cognition = new Cognition(_preSr, _clip, _adapter, compute.Device);

        T? Optional<T>(string role, NetworkKind<T> kind)
            where T : nn.Module =>
            model.Manifest.Components.ContainsKey(role) ? model.Load(role, kind, compute.Device, compute.DType) : null;
    }

    /// <summary>The autoencoder's hyper-parameters.</summary>
    public AutoencoderConfig Latents => _autoencoder.Config;

    /// <summary>How the model enlarges LR photos before they are encoded.</summary>
    public EnlargementKind Enlargement { get; }

    /// <summary>CLIP's; null: the model has none.</summary>
    public ClipConfig? Clip => _clip?.Config;

    /// <summary>True when the model has all of pre-SR, CLIP and cognitive adapter.</summary>
    public bool Understands => _cognition is not null;

    /// <summary>Latents of pictures, without a graph.</summary>
    /// <param name="pictures">[B,3,H,W], [0,1], sides multiples of the reduction.</param>
    /// <returns>[B,C,h,w], float32, as diffusion models take them.</returns>
    public Tensor Encode(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor input = (pictures.to(_device) * 2 - 1).to(_autoencoder.Type);
        using LatentDistribution latents = _autoencoder.Encode(input);
        return _autoencoder.ToLatent(latents.Mean.to(float32)).MoveToOuterDisposeScope();
    }

    /// <summary>The latent of an all-grey picture, 0 in [-1,1]: what stands for a missing reference.</summary>
    /// <param name="size">Its side, pixels.</param>
    public Tensor EncodeGrey(int size) => Encode(full([1, 3, size, size], 0.5f));

    /// <summary>Latents of LR photos, enlarged as the pipeline does it.</summary>
    /// <param name="lr">[B,3,h,w], [0,1].</param>
    /// <param name="scale">Enlargement.</param>
    /// <exception cref="ArgumentException">The model enlarges by pre-SR, and has none of that scale.</exception>
    public Tensor EncodeLr(Tensor lr, int scale)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return Encode(Restoration.Enlargement.Of(Enlargement, scale, _preSr, _device).Apply(lr))
            .MoveToOuterDisposeScope();
    }

    /// <summary>Pictures of latents, without a graph.</summary>
    /// <returns>[B,3,H,W], float32, clamped to [0,1].</returns>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor raw = _autoencoder.FromLatent(latents.to(_device)).to(_autoencoder.Type);
        return (_autoencoder.Decode(raw).to(float32) / 2 + 0.5).clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Cognitive embeddings of LR photos, without a graph.</summary>
    /// <param name="lr">[B,3,h,w], [0,1].</param>
    /// <returns>[B,T_e,C], float32.</returns>
    /// <exception cref="InvalidOperationException">The model lacks one of the networks (<see cref="Understands"/>).</exception>
    public Tensor Understand(Tensor lr)
    {
        if (_cognition is null)
            throw new InvalidOperationException("the model lacks pre-SR, CLIP or cognitive adapter");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return _cognition.Understand(_cognition.PreSr(lr)).MoveToOuterDisposeScope();
    }

    /// <summary>Token embeddings of texts, without a graph.</summary>
    /// <param name="tokens">[B,T], int64.</param>
    /// <returns>[B,T,C], float32.</returns>
    /// <exception cref="InvalidOperationException">The model has no CLIP.</exception>
    public Tensor Read(Tensor tokens)
    {
        if (_clip is null)
            throw new InvalidOperationException("the model has no CLIP");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return _clip.TextTokens(tokens.to(_device)).to(float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _autoencoder?.Dispose();
        _preSr?.Dispose();
        _clip?.Dispose();
        _adapter?.Dispose();
    }
}
