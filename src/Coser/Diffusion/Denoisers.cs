using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Diffusion;

/// <summary>A network with its conditions: noisy latent [B,C,h,w] and timestep -> its raw prediction, same shape.</summary>
public delegate Tensor LatentPredictor(Tensor noisy, int timestep);

/// <summary>A network seen as what samplers need: an estimate of the clean latent.</summary>
public interface IDenoiser
{
    /// <summary>Estimates the clean latent.</summary>
    /// <param name="noisy">z_t [B,C,h,w], float32.</param>
    /// <param name="schedule">The sampler's own schedule.</param>
    /// <param name="index">The place in it.</param>
    /// <returns>Same shape, float32.</returns>
    Tensor Denoise(Tensor noisy, NoiseSchedule schedule, int index);
}

/// <summary>Wraps a network by what it predicts; one small class a parametrisation.</summary>
public static class Denoiser
{
    /// <summary>The wrapper for a kind of prediction.</summary>
    public static IDenoiser Create(PredictionKind kind, LatentPredictor network) =>
        kind switch
        {
            PredictionKind.Epsilon => new EpsilonDenoiser(network),
            PredictionKind.Velocity => new VelocityDenoiser(network),
            PredictionKind.Sample => new SampleDenoiser(network),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>What a network of this kind is trained to answer.</summary>
    /// <param name="clean">[B,C,h,w].</param>
    /// <param name="noise">Same shape.</param>
    /// <param name="steps">[B], int64.</param>
    public static Tensor Target(PredictionKind kind, NoiseSchedule schedule, Tensor clean, Tensor noise, Tensor steps)
    {
        using var scope = NewDisposeScope();
        (Tensor alpha, Tensor sigma) = schedule.At(steps, clean);
        Tensor target = kind switch
        {
            PredictionKind.Epsilon => noise.alias(),
            PredictionKind.Velocity => alpha * noise - sigma * clean,
            PredictionKind.Sample => clean.alias(),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        return target.MoveToOuterDisposeScope();
    }
}

/// <summary>Of a network that predicts the noise.</summary>
internal sealed class EpsilonDenoiser(LatentPredictor network) : IDenoiser
{
    public Tensor Denoise(Tensor noisy, NoiseSchedule schedule, int index)
    {
        using var scope = NewDisposeScope();
        Tensor noise = network(noisy, schedule.Timesteps[index]);
        ScheduleTables t = schedule.Tables;
        return (
            t.SqrtRecipAlphasCumprod[index] * noisy - t.SqrtRecipm1AlphasCumprod[index] * noise
        ).MoveToOuterDisposeScope();
    }
}

/// <summary>Of a network that predicts the velocity.</summary>
internal sealed class VelocityDenoiser(LatentPredictor network) : IDenoiser
{
    public Tensor Denoise(Tensor noisy, NoiseSchedule schedule, int index)
    {
        using var scope = NewDisposeScope();
        Tensor velocity = network(noisy, schedule.Timesteps[index]);
        ScheduleTables t = schedule.Tables;
        return (
            t.SqrtAlphasCumprod[index] * noisy - t.SqrtOneMinusAlphasCumprod[index] * velocity
        ).MoveToOuterDisposeScope();
    }
}

/// <summary>Of a network that predicts the clean latent.</summary>
internal sealed class SampleDenoiser(LatentPredictor network) : IDenoiser
{
    public Tensor Denoise(Tensor noisy, NoiseSchedule schedule, int index) => network(noisy, schedule.Timesteps[index]);
}

/// <summary>Classifier-free guidance (Ho and Salimans, 2022).</summary>
public static class Guidance
{
    /// <summary>negative + scale * (positive - negative).</summary>
    /// <param name="scale">1: the positive side alone, the other is not evaluated.</param>
    public static Tensor Combine(double scale, Func<Tensor> positive, Func<Tensor> negative)
    {
        using var scope = NewDisposeScope();
        Tensor wanted = positive();
        if (scale == 1)
            return wanted.MoveToOuterDisposeScope();
        Tensor unwanted = negative();
        return (unwanted + (wanted - unwanted) * scale).MoveToOuterDisposeScope();
    }
}
