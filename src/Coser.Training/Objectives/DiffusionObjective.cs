using Coser.Diffusion;
using Coser.Training.Degradation;
using static TorchSharp.torch;

namespace Coser.Training.Objectives;

/// <summary>How a denoising network is trained.</summary>
public sealed record ObjectiveSettings
{
    /// <summary>
    /// Bound of the signal-to-noise ratio in the weight of a sample (Hang et al., ICCV 2023, min-SNR; 5 is theirs). Null: every
    /// sample weighs the same, as in the reference implementation.
    /// </summary>
    public double? MinSnr { get; init; }

    /// <summary>Timesteps below this are drawn more often; null: all alike.</summary>
    public int? FocusBelow { get; init; }

    /// <summary>Share of the samples that are drawn below <see cref="FocusBelow"/> alone.</summary>
    public double FocusShare { get; init; }
}

/// <summary>
/// The simple objective of diffusion models: the squared error of what the network is to answer, at random timesteps
/// (Ho et al., NeurIPS 2020, Eq. 14).
/// </summary>
public sealed class DiffusionObjective
{
    private readonly ObjectiveSettings _settings;
    private readonly PredictionKind _kind;

    /// <exception cref="InvalidDataException">A setting is out of range.</exception>
    public DiffusionObjective(DiffusionConfig process, ObjectiveSettings settings)
    {
        if (settings.FocusShare is not (>= 0 and <= 1))
            throw new InvalidDataException("recipe: focus_share is in 0..1.");
        if (settings.FocusBelow is { } below && (below < 1 || below > process.Timesteps))
            throw new InvalidDataException($"recipe: focus_below is from 1 to {process.Timesteps}.");
        if (settings.MinSnr is <= 0)
            throw new InvalidDataException("recipe: min_snr is above 0.");
        (_settings, _kind) = (settings, process.Prediction);
        Schedule = NoiseSchedule.Create(process);
    }

    /// <summary>The whole process.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>A timestep, from 0.</summary>
    /// <param name="evenly">True: all alike, whatever the settings prefer.</param>
    public long Draw(IDegradationDraws draws, bool evenly = false)
    {
        bool focused = draws.Random() < _settings.FocusShare && !evenly;
        int below = focused ? _settings.FocusBelow ?? Schedule.Count : Schedule.Count;
        return draws.RandInt(0, below - 1);
    }

    /// <summary>z_t.</summary>
    /// <param name="clean">[B,C,h,w], float32.</param>
    /// <param name="noise">Standard normal, same shape.</param>
    /// <param name="steps">[B], int64.</param>
    public Tensor Noisy(Tensor clean, Tensor noise, Tensor steps) => Schedule.AddNoise(clean, noise, steps);

    /// <summary>The weighted mean squared error.</summary>
    /// <param name="prediction">[B,C,h,w] of the network; gradients pass.</param>
    /// <returns>Loss: a scalar. Errors: [B], unweighted, without gradients.</returns>
    public (Tensor Loss, Tensor Errors) Compute(Tensor prediction, Tensor clean, Tensor noise, Tensor steps)
    {
        using var scope = NewDisposeScope();
        Tensor target = Denoiser.Target(_kind, Schedule, clean, noise, steps);
        Tensor errors = (prediction.to(float32) - target).square().mean([1, 2, 3]); // [B]
        Tensor loss = _settings.MinSnr is { } bound ? (errors * Weights(steps, errors, bound)).mean() : errors.mean();
        return (loss.MoveToOuterDisposeScope(), errors.detach().MoveToOuterDisposeScope());
    }

    // The error of the clean latent is weighted by min(SNR, bound); seen from what is predicted: that over SNR for the noise,
    // over SNR + 1 for the velocity.
    private Tensor Weights(Tensor steps, Tensor like, double bound)
    {
        (Tensor alpha, Tensor sigma) = Schedule.At(steps, like);
        Tensor snr = (alpha / sigma).square().flatten();
        Tensor bounded = snr.clamp_max(bound);
        return _kind switch
        {
            PredictionKind.Epsilon => bounded / snr,
            PredictionKind.Velocity => bounded / (snr + 1),
            PredictionKind.Sample => bounded,
            _ => throw new InvalidOperationException($"no weights for {_kind}"),
        };
    }
}
