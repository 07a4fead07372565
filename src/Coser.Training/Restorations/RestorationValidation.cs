using Coser.Diffusion;
using Coser.Engine;
using Coser.Metrics;
using Coser.Restoration;
using Coser.Training.Data;
using Coser.Training.Latents;
using Coser.Training.Objectives;
using Coser.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Restorations;

/// <summary>Judges stage 2: the error of its predictions, and photos restored with it.</summary>
/// <param name="first">Sample of photo i of n, the same every time, and how its pictures are had.</param>
internal sealed class RestorationValidation(
    RestorationRecipe recipe,
    ConditionSource source,
    FrozenNetworks frozen,
    RestorationNetworks networks,
    DiffusionObjective objective,
    Func<PhotoEntry, int, int, (Dictionary<string, Tensor> Sample, Func<PhotoView> View)> first
)
{
    private const int AtOnce = 8;
    private const int GridRows = 8;
    private readonly IReadOnlyList<PhotoEntry> _photos = source.Photos("validation", recipe.ValidationPhotos);
    private readonly LatentSampling _sampling = new(recipe.Diffusion);

    /// <summary>Figures and a grid: degraded, reference, restored, truth.</summary>
    public ValidationResult Judge(Compute compute)
    {
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal) { ["loss"] = MeanError(compute) };
        Tensor? grid = null;
        if (recipe.Restored > 0)
            grid = Restore(compute, metrics);
        return new ValidationResult(metrics, grid);
    }

    private double MeanError(Compute compute)
    {
        double sum = 0;
        foreach ((int Index, PhotoEntry Item)[] chunk in _photos.Index().Chunk(AtOnce))
        {
            using var inner = NewDisposeScope();
            using TrainingBatch batch = TrainingBatch
                .Join([.. chunk.Select(c => first(c.Item, c.Index, _photos.Count).Sample)])
                .To(compute.Device);
            Conditions conditions = source.Resolve(batch);
            Tensor steps = batch[LatentSamples.Timestep];
            Tensor noisy = objective.Noisy(conditions.Clean, batch[LatentSamples.Noise], steps);
            Tensor prediction = Predict(noisy, steps, Context(batch, conditions), conditions);
            sum += objective
                .Compute(prediction, conditions.Clean, batch[LatentSamples.Noise], steps)
                .Errors.sum()
                .item<float>();
        }
        return sum / _photos.Count;
    }

    private Tensor? Restore(Compute compute, Dictionary<string, double> metrics)
    {
        int count = Math.Min(recipe.Restored, _photos.Count);
        var grid = new ValidationGrid(GridRows);
        double psnr = 0;
        double ssim = 0;
        double sharpness = 0;
        for (int i = 0; i < count; i++)
        {
            using var inner = NewDisposeScope();
            (Dictionary<string, Tensor> sample, Func<PhotoView> pictures) = first(
                _photos[i * _photos.Count / count],
                i,
                count
            );
            PhotoView view = pictures();
            using TrainingBatch batch = TrainingBatch.Join([sample]).To(compute.Device);
            Conditions conditions = source.Resolve(batch);
            Tensor restored = frozen.Decode(Sample(batch, conditions)).cpu();
            restored = (restored * 255).round() / 255;
            psnr += Psnr.Compute(restored, view.Sharp) / count;
            ssim += Ssim.Compute(restored, view.Sharp, new PixelMetricOptions { Colour = MetricColour.Y }) / count;
            sharpness += Sharpness.Compute(restored, view.Sharp) / count;
            int scale = (int)(view.Sharp.shape[2] / view.Lr!.shape[2]);
            grid.Add(
                nn.functional.interpolate(view.Lr, scale_factor: [scale, scale], mode: InterpolationMode.Nearest),
                frozen.Decode(conditions.Reference).cpu(),
                restored,
                view.Sharp
            );
        }
        (metrics["psnr"], metrics["ssim"], metrics["sharpness"]) = (psnr, ssim, sharpness);
        return grid.Join();
    }

    // From the noised LR latent, as the pipeline does it.
    private Tensor Sample(TrainingBatch batch, Conditions conditions)
    {
        Tensor positive = Context(batch, conditions);
        Tensor negative = frozen.Read(batch[LatentSamples.Tokens]);
        Tensor start = _sampling.AddNoise(conditions.Lr.cpu(), batch[LatentSamples.Noise].cpu(), recipe.Sampling.Start);
        return _sampling.Run(
            LatentRestorer.Stage,
            recipe.Sampling,
            (z, timestep) =>
            {
                Tensor t = full([1], timestep, dtype: int64, device: z.device);
                return Guidance.Combine(
                    recipe.Sampling.Guidance,
                    () => Predict(z, t, positive, conditions),
                    () => Predict(z, t, negative, conditions)
                );
            },
            start.to(conditions.Lr.device),
            new SeededNoise(1),
            StageContext.Silent
        );
    }

    private Tensor Context(TrainingBatch batch, Conditions conditions) =>
        cat([frozen.Read(batch[LatentSamples.Tokens]), conditions.Embedding], dim: 1);

    private Tensor Predict(Tensor noisy, Tensor steps, Tensor context, Conditions conditions) =>
        RestorationStage.Predict(
            networks.Unet,
            networks.Control,
            noisy,
            steps,
            context,
            conditions.Lr,
            conditions.Reference
        );
}
