using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Diffusion;

/// <summary>Where a sampling stands. Saved and read back, it goes on to the same latent.</summary>
/// <param name="Latent">z_t [B,C,h,w], float32.</param>
/// <param name="Step">The step to be done next, counted down to 0; -1: finished.</param>
/// <param name="PreviousClean">The last estimate of the clean latent, for samplers of several steps.</param>
public sealed record SamplerState(Tensor Latent, int Step, Tensor? PreviousClean = null) : IDisposable
{
    /// <summary>True when the latent is the result.</summary>
    public bool IsFinished => Step < 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        Latent.Dispose();
        PreviousClean?.Dispose();
    }

    internal SamplerState MoveToOuterDisposeScope()
    {
        Latent.MoveToOuterDisposeScope();
        PreviousClean?.MoveToOuterDisposeScope();
        return this;
    }
}

/// <summary>One step of sampling: z_t and the estimate of the clean latent -> z_{t-1}.</summary>
public interface ISampler
{
    /// <summary>Does the state's next step.</summary>
    /// <param name="noise">Gives standard normal noise [B,C,h,w] for a step; not called by deterministic samplers.</param>
    /// <returns>A new state; the old one still belongs to the caller.</returns>
    SamplerState Advance(IDenoiser denoiser, NoiseSchedule schedule, SamplerState state, Func<int, Tensor> noise);
}

/// <summary>Ancestral sampling from the posterior (Ho et al., NeurIPS 2020): the paper's sampler.</summary>
public sealed class DdpmSampler : ISampler
{
    /// <inheritdoc/>
    public SamplerState Advance(IDenoiser denoiser, NoiseSchedule schedule, SamplerState state, Func<int, Tensor> noise)
    {
        using var scope = NewDisposeScope();
        (Tensor z, int i, ScheduleTables t) = (state.Latent, state.Step, schedule.Tables);
        Tensor clean = denoiser.Denoise(z, schedule, i);
        Tensor mean = t.PosteriorMeanCoef1[i] * clean + t.PosteriorMeanCoef2[i] * z;
        if (i > 0)
            mean = mean + MathF.Exp(0.5f * t.PosteriorLogVarianceClipped[i]) * noise(i);
        return new SamplerState(mean, i - 1).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// DDIM (Song et al., ICLR 2021): deterministic at eta 0; at eta 1 as noisy as DDPM.
/// </summary>
/// <param name="eta">0 to 1.</param>
public sealed class DdimSampler(double eta = 0) : ISampler
{
    /// <inheritdoc/>
    public SamplerState Advance(IDenoiser denoiser, NoiseSchedule schedule, SamplerState state, Func<int, Tensor> noise)
    {
        using var scope = NewDisposeScope();
        (Tensor z, int i) = (state.Latent, state.Step);
        Tensor clean = denoiser.Denoise(z, schedule, i);
        (double alpha, double sigma) = Levels.At(schedule, i);
        (double nextAlpha, double nextSigma) = Levels.At(schedule, i - 1);
        double fresh =
            eta == 0 || i == 0 ? 0 : eta * nextSigma / sigma * Math.Sqrt(1 - alpha * alpha / (nextAlpha * nextAlpha));
        double kept = Math.Sqrt(Math.Max(0, nextSigma * nextSigma - fresh * fresh));
        Tensor next = nextAlpha * clean + (z - alpha * clean) * (kept / sigma);
        if (fresh > 0)
            next = next + fresh * noise(i);
        return new SamplerState(next, i - 1).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// DPM-Solver++ of second order over two steps, 2M (Lu et al., 2022, algorithm 2): the estimate is extrapolated along
/// lambda = log(alpha / sigma). At eta 1 the reverse SDE is solved instead of the ODE.
/// </summary>
/// <param name="eta">0: deterministic; 1: SDE.</param>
public sealed class DpmSolverSampler(double eta = 0) : ISampler
{
    // Even timesteps make the last steps ever longer in lambda, where the estimate hardly moves any more: unbounded
    // extrapolation then overshoots, by up to ten times the error (SamplerTests has the exact path).
    private const double MaxExtrapolation = 0.7;

    /// <inheritdoc/>
    public SamplerState Advance(IDenoiser denoiser, NoiseSchedule schedule, SamplerState state, Func<int, Tensor> noise)
    {
        using var scope = NewDisposeScope();
        (Tensor z, int i) = (state.Latent, state.Step);
        Tensor clean = denoiser.Denoise(z, schedule, i);
        // Without noise left there is nothing to integrate: the estimate is the result.
        if (i == 0)
            return new SamplerState(clean, -1).MoveToOuterDisposeScope();
        (_, double sigma) = Levels.At(schedule, i);
        (double nextAlpha, double nextSigma) = Levels.At(schedule, i - 1);
        double h = Levels.Lambda(schedule, i - 1) - Levels.Lambda(schedule, i);
        Tensor slope = clean;
        if (state.PreviousClean is { } before)
        {
            double last = Levels.Lambda(schedule, i) - Levels.Lambda(schedule, i + 1);
            slope = clean + (clean - before) * Math.Min(0.5 * h / last, MaxExtrapolation);
        }
        double kept = nextSigma / sigma * Math.Exp(-eta * h);
        Tensor next = kept * z + nextAlpha * (1 - Math.Exp(-(1 + eta) * h)) * slope;
        if (eta > 0)
            next = next + nextSigma * Math.Sqrt(1 - Math.Exp(-2 * eta * h)) * noise(i);
        return new SamplerState(next, i - 1, clean).MoveToOuterDisposeScope();
    }
}

/// <summary>alpha, sigma and lambda of a step; step -1 is the clean latent.</summary>
internal static class Levels
{
    public static (double Alpha, double Sigma) At(NoiseSchedule schedule, int step) =>
        step < 0 ? (1, 0) : (schedule.Tables.SqrtAlphasCumprod[step], schedule.Tables.SqrtOneMinusAlphasCumprod[step]);

    public static double Lambda(NoiseSchedule schedule, int step)
    {
        (double alpha, double sigma) = At(schedule, step);
        return Math.Log(alpha / sigma);
    }
}
