using Coser.Diffusion;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>How one latent is sampled.</summary>
/// <param name="Steps">Evaluations of the network, at least 1.</param>
/// <param name="Guidance">1: the positive side alone.</param>
/// <param name="Start">The noisiest timestep.</param>
public sealed record SamplingSettings(
    int Steps,
    SamplerKind Sampler,
    double Guidance,
    int Start,
    TimestepSpacing Spacing = TimestepSpacing.Linspace
);

/// <summary>What runs beside the stages of a restoration: reports, cancellation, saved states.</summary>
/// <param name="Report">Stage, steps done, steps in all, and the estimate of the clean latent, valid during the call.</param>
/// <param name="Resume">Where states are saved and looked for; null: nowhere.</param>
public sealed record StageContext(
    Action<string, int, int, Tensor?> Report,
    ResumeStore? Resume = null,
    CancellationToken Cancel = default
)
{
    /// <summary>Reports to nobody.</summary>
    public static StageContext Silent { get; } = new((_, _, _, _) => { });
}

/// <summary>The loop over a sampler's steps: noise, progress, cancellation, resuming.</summary>
public sealed class LatentSampling(DiffusionConfig process)
{
    private readonly NoiseSchedule _process = NoiseSchedule.Create(process);

    /// <summary>z_t of a clean latent.</summary>
    /// <param name="clean">[1,C,h,w].</param>
    /// <param name="noise">Same shape.</param>
    public Tensor AddNoise(Tensor clean, Tensor noise, int timestep)
    {
        using var scope = NewDisposeScope();
        return _process.AddNoise(clean, noise, tensor(new[] { (long)timestep })).MoveToOuterDisposeScope();
    }

    /// <summary>Samples from a starting point to a clean latent.</summary>
    /// <param name="stage">Names the noise, the reports and the saved state.</param>
    /// <param name="network">Predicts what the process's configuration says, guidance included.</param>
    /// <param name="start">z at the settings' start, [1,C,h,w], float32.</param>
    /// <returns>[1,C,h,w], float32.</returns>
    /// <exception cref="OperationCanceledException">Cancelled between two steps; the state has been saved if it can be.</exception>
    /// <exception cref="RestorationException">The network gave values that are not numbers.</exception>
    public Tensor Run(
        string stage,
        SamplingSettings settings,
        LatentPredictor network,
        Tensor start,
        INoise noise,
        StageContext context
    )
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = _process.Respace(Timesteps.Choose(settings.Steps, settings.Start, settings.Spacing));
        ISampler sampler = Samplers.Create(settings.Sampler);
        var watched = new WatchedDenoiser(Denoiser.Create(process.Prediction, network));
        SamplerState state = context.Resume?.Load(stage) ?? new SamplerState(start, schedule.Count - 1);
        while (!state.IsFinished)
        {
            try
            {
                context.Cancel.ThrowIfCancellationRequested();
                SamplerState next = OneStep(state);
                if (!ReferenceEquals(state.Latent, start))
                    state.Dispose();
                state = next;
            }
            catch (OperationCanceledException)
            {
                // What took no time is not worth a folder.
                if (context.Resume is { IsWorthwhile: true } kept)
                    kept.Save(stage, state);
                throw;
            }
            if (!state.IsFinished && context.Resume is { IsDue: true } store)
                store.Save(stage, state);
        }
        if (!state.Latent.isfinite().all().item<bool>())
            throw new RestorationException("the network gave values that are not numbers; try --precision fp32");
        // A finished stage is worth keeping only if there will be something to resume.
        if (context.Resume is { HasSaved: true } finished)
            finished.Save(stage, state);
        return state.Latent.MoveToOuterDisposeScope();

        SamplerState OneStep(SamplerState before)
        {
            using var inner = NewDisposeScope();
            SamplerState after = sampler.Advance(
                watched,
                schedule,
                before,
                index => noise.Draw(stage, before.Latent, index)
            );
            context.Report(stage, schedule.Count - 1 - after.Step, schedule.Count, watched.Last);
            return after.MoveToOuterDisposeScope();
        }
    }

    // Remembers the last estimate, for previews.
    private sealed class WatchedDenoiser(IDenoiser denoiser) : IDenoiser
    {
        public Tensor? Last { get; private set; }

        public Tensor Denoise(Tensor noisy, NoiseSchedule schedule, int index) =>
            Last = denoiser.Denoise(noisy, schedule, index);
    }
}
