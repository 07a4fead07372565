using Coser.Diffusion;
using Coser.Imaging;
using TorchSharp;

namespace Coser.Restoration;

/// <summary>One photo's restoration: what was asked for, resolved against the model's own settings.</summary>
internal sealed record RestoreRun(
    Photo Photo,
    RestoreOptions Options,
    RestorationConfig Config,
    Action<RestoreProgress> Report,
    CancellationToken Cancel
)
{
    public INoise Noise { get; } = new SeededNoise(Options.Seed);

    public StageClock Clock { get; } = new();

    public double Fidelity => Options.Fidelity ?? Config.Fidelity;

    public ColourFixKind ColourFix => Options.ColourFix ?? Config.ColourFix;

    public string NegativePrompt => Options.NegativePrompt ?? Config.NegativePrompt;

    public SamplingSettings ReferenceSampling =>
        Settings(Config.ReferenceStart, Preset.ReferenceSteps, Preset.ReferenceGuidance);

    public SamplingSettings ResultSampling => Settings(Config.Start, Preset.Steps, Options.Guidance ?? Preset.Guidance);

    private PresetConfig Preset => Config.Of(Options.Preset);

    /// <summary>The context of a stage.</summary>
    /// <param name="preview">Decodes an estimate of the clean latent.</param>
    /// <param name="part">The super-tile, among <paramref name="parts"/>, whose steps add up.</param>
    public StageContext Context(Func<torch.Tensor, torch.Tensor> preview, int part = 0, int parts = 1) =>
        new(
            (stage, step, steps, clean) =>
                Report(
                    new RestoreProgress(
                        stage.Split('-')[0],
                        part * steps + step,
                        parts * steps,
                        clean is null ? null : () => preview(clean).DetachFromDisposeScope()
                    )
                ),
            Options.Resume,
            Cancel
        );

    private SamplingSettings Settings(int start, int steps, double guidance) =>
        new(
            Math.Min(Options.Steps ?? steps, start + 1),
            Options.Sampler ?? Preset.Sampler,
            guidance,
            start,
            Config.Spacing
        );
}
