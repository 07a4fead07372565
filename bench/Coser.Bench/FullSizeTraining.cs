using System.Diagnostics;
using System.Globalization;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Restoration;
using Coser.Training.Data;
using Coser.Training.Optimisation;
using Coser.Training.Restorations;
using Coser.Training.Runs;
using NetVips;

namespace Coser.Bench;

/// <summary>
/// Steps of stage 2 on a full-size model (<c>full-size FOLDER</c> makes one of random weights) at batch 1, as the reference
/// trains it: <c>stage2 MODEL PHOTO [--steps N] [--keep-activations]</c>.
/// </summary>
internal static class FullSizeTraining
{
    private const int Side = 512;

    public static int Run(string model, string[] args)
    {
        if (args is not [{ Length: > 0 } photo, ..])
        {
            Console.Error.WriteLine("stage2 MODEL PHOTO [--steps N] [--keep-activations]: needs 18 GB of memory.");
            return 2;
        }
        int given = Array.IndexOf(args, "--steps");
        long steps = given > 0 ? long.Parse(args[given + 1], CultureInfo.InvariantCulture) : 2;
        string folder = Directory.CreateTempSubdirectory("coser-stage2-").FullName;
        try
        {
            WriteData(folder, photo);
            var recipe = new RestorationRecipe
            {
                Model = Path.GetFullPath(model),
                Size = Side,
                Recompute = !args.Contains("--keep-activations", StringComparer.Ordinal),
                ValidationPhotos = 1,
                Restored = 0,
                Sampling = new SamplingSettings(1, Diffusion.SamplerKind.Ddpm, 1, 999),
                Training = new TrainingSettings { Batch = 1 },
            };
            Compute compute = Compute.Choose(DeviceChoice.Cpu, Precision.Bf16);
            RestorationStage? stage = null;
            AdamW? optimiser = null;
            ProcessMemory.Step(
                "load the frozen networks, build the trained ones",
                () => stage = new RestorationStage(recipe, PhotoIndex.Open(folder), compute)
            );
            long trained = stage!.Parameters.Sum(p => p.Parameter.numel());
            Console.WriteLine($"    {trained / 1e6:f0} M weights are trained");
            ProcessMemory.Step(
                "masters and moments",
                () => optimiser = new AdamW(stage.Parameters, 0.9, 0.999, weightDecay: 0.01)
            );
            for (int step = 0; step < steps; step++)
            {
                int index = step;
                ProcessMemory.Step($"step {step + 1}", () => OneStep(stage, optimiser!, index));
            }
            optimiser!.Dispose();
            stage.Dispose();
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void OneStep(RestorationStage stage, AdamW optimiser, int index)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using TrainingBatch batch = stage.MakeBatch(index);
        var clock = Stopwatch.StartNew();
        StageLoss loss = stage.Loss(batch, index);
        double forward = clock.Elapsed.TotalSeconds;
        loss.Total.backward();
        double backward = clock.Elapsed.TotalSeconds;
        double norm = optimiser.GradientNorm();
        optimiser.Update(5e-5);
        optimiser.ZeroGradients();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"    loss {loss.Total.item<float>():f4}, gradient norm {norm:f3}; forward {forward:f1} s, "
                    + $"backward {backward - forward:f1} s, update {clock.Elapsed.TotalSeconds - backward:f1} s"
            )
        );
    }

    // The photo, once to train on and once to validate.
    private static void WriteData(string folder, string photo)
    {
        string photos = Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName;
        using Image square = Image.Thumbnail(photo, Side, height: Side, crop: Enums.Interesting.Centre);
        square.Pngsave(Path.Combine(photos, "0.png"));
        square.Pngsave(Path.Combine(photos, "1.png"));
        File.WriteAllLines(
            Path.Combine(folder, "index.jsonl"),
            new[] { "train", "validation" }.Select(
                (split, i) => $$"""{"file":"{{i}}.png","label":"","source":"bench","split":"{{split}}"}"""
            )
        );
    }
}
