using Coser.Diffusion;
using Coser.Networks.Unet;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>What the networks are told in words and concepts, for both sides of the guidance.</summary>
/// <param name="Positive">[1,T,C]: prompt tokens, then the cognitive embedding.</param>
/// <param name="Negative">[1,T',C]: the negative prompt's tokens alone.</param>
public sealed record GuidanceContext(Tensor Positive, Tensor Negative);

/// <summary>
/// Stage 2: paints the reference image from the understanding of the photo (section 3.2 of the paper): the text-to-image
/// UNet, without control.
/// </summary>
/// <remarks>The network belongs to the caller.</remarks>
public sealed class ReferenceGenerator(UnetModel unet, LatentSampling sampling, Device device)
{
    /// <summary>Name of the stage.</summary>
    public const string Stage = "reference";

    /// <summary>Paints.</summary>
    /// <param name="start">z at the settings' start, [1,C,h,w], float32.</param>
    /// <param name="stage">Name of the stage where there are several references.</param>
    /// <returns>The reference's latent, [1,C,h,w].</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Tensor Generate(
        Tensor start,
        GuidanceContext conditions,
        SamplingSettings settings,
        INoise noise,
        StageContext context,
        string stage = Stage
    ) =>
        sampling.Run(
            stage,
            settings,
            (z, timestep) =>
            {
                using Tensor t = tensor(new[] { (long)timestep }, device: device);
                return Guidance.Combine(
                    settings.Guidance,
                    () => unet.Predict(z, t, conditions.Positive),
                    () => unet.Predict(z, t, conditions.Negative)
                );
            },
            start,
            noise,
            context
        );
}
