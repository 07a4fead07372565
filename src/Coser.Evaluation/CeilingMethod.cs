using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Networks.Autoencoder;
using Coser.Restoration;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>
/// The true image through a model's autoencoder: what is left of it if its latent were sampled without error. No restoration,
/// but how good one by that model can become.
/// </summary>
public sealed class CeilingMethod : IRestorationMethod
{
    private readonly KlAutoencoder _autoencoder;
    private readonly LatentCodec _codec;

    /// <param name="model">Read here, not kept.</param>
    /// <param name="compute">Device and precision.</param>
    /// <exception cref="CheckpointException">The model has no autoencoder, or it is damaged.</exception>
    public CeilingMethod(ModelDirectory model, Compute compute)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(compute);
        _autoencoder = model.Load(ComponentNames.Autoencoder, NetworkKinds.Autoencoder, compute.Device, compute.DType);
        _codec = new LatentCodec(_autoencoder, null, compute.Device);
        Identity = $"ceiling of {model.Hash[..16]} {compute.DeviceName} {compute.PrecisionName}";
    }

    /// <inheritdoc/>
    public string Name => "autoencoder ceiling";

    /// <inheritdoc/>
    public string Identity { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The image has no true one.</exception>
    public string SourceOf(EvaluationImage image) =>
        image.Hr ?? throw new InvalidDataException($"{image.Lr}: {Name} needs the true image (--hr).");

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The image has no true one.</exception>
    public Tensor Restore(EvaluationImage image)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        Tensor truth = PhotoTensor.Read(SourceOf(image));
        (long height, long width) = (truth.shape[2], truth.shape[3]);
        int multiple = _codec.Reduction;
        Tensor whole = nn.functional.pad(truth, [0, Missing(width), 0, Missing(height)], PaddingModes.Replicate);
        return _codec
            .Decode(_codec.Encode(whole))
            .narrow(2, 0, height)
            .narrow(3, 0, width)
            .clamp(0, 1)
            .cpu()
            .clone()
            .MoveToOuterDisposeScope();

        long Missing(long side) => (multiple - side % multiple) % multiple;
    }

    /// <inheritdoc/>
    public void Dispose() => _autoencoder.Dispose();
}
