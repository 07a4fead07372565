using System.Text.Json;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Networks.Clip;
using Coser.Tests.Restoration;
using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Runs;
using Coser.Training.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

/// <summary>Six small photos with captions, a tiny whole model with a tokenizer, and latents, for the diffusion stages.</summary>
internal sealed class SmallTraining : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly int _threads = get_num_threads();

    public SmallTraining()
    {
        set_num_threads(1); // tiny networks crawl on several beside other work
        SmallDataSet.Write(_folder.Path);
        using (var log = new CaptionLog(File("captions.jsonl")))
        {
            for (int i = 0; i < 6; i++)
                log.Append(new PhotoCaptions($"{i}.png", [$"fog on the left {i}", $"a photo of fog {i}", "fog"]));
        }
        SmallCoser.Write(Model);
        // The tiny CLIP's own vocabulary is too small for one of bytes: another is put in its place.
        int size = BpeTrainer.Train(
            CaptionIndex.Open(File("captions.jsonl")).All,
            520,
            Path.Combine(Model, "tokenizer")
        );
        ClipConfig clip = Manifest().Components["clip"].Config.Deserialize<ClipConfig>(CoserJson.Strict)!;
        clip = clip with { Text = clip.Text with { VocabSize = size } };
        manual_seed(1);
        using var network = new ClipModel(clip);
        ModelExport.Write(
            [
                TrainedComponent.Create(
                    "clip",
                    ClipConfig.Kind,
                    clip,
                    network.state_dict().ToDictionary(p => p.Key, p => p.Value)
                ),
            ],
            Model,
            JsonSerializer.SerializeToElement(new { })
        );
        Data = PhotoIndex.Open(_folder.Path);
    }

    public string Model => File("model");

    public PhotoIndex Data { get; }

    public static Compute Compute { get; } = new(CPU, float32);

    public static TrainingSettings Settings { get; } =
        new()
        {
            Batch = 2,
            Steps = 6,
            LogEvery = 2,
            ValidateEvery = 3,
            Bf16 = false,
            LearningRate = new() { Peak = 2e-3, WarmUp = 2 },
        };

    public static DegradationSettings Degradation { get; } = new() { GtSize = null };

    public string File(string name) => _folder.File(name);

    public ModelManifest Manifest() =>
        JsonSerializer.Deserialize<ModelManifest>(
            System.IO.File.ReadAllText(Path.Combine(Model, "model.json")),
            CoserJson.Strict
        )!;

    /// <summary>Writes a set of latents of 32-pixel views.</summary>
    public LatentSetWriter WriteLatents(string name, int views = 2, bool degraded = true)
    {
        var settings = new LatentSetSettings
        {
            Size = 32,
            Views = views,
            Degradation = degraded ? Degradation : null,
        };
        using ModelDirectory model = ModelDirectory.Open(Model);
        using var networks = new FrozenNetworks(model, Compute);
        var writer = new LatentSetWriter(File(name), settings, Data, model.Hash);
        writer.WriteViews(Data, networks, null, CancellationToken.None);
        return writer;
    }

    /// <summary>Trains to the end; before that, stops so many times, two steps after each start.</summary>
    /// <returns>The last checkpoint.</returns>
    public string Train(Func<ITrainingStage> make, string name, TrainingSettings settings, int stops = 0)
    {
        var folder = new RunFolder(File(name));
        for (int i = 0; i <= stops; i++)
        {
            using ITrainingStage stage = make();
            using var run = new TrainingRun(stage, settings, folder);
            using var cancel = new CancellationTokenSource();
            long last = i < stops ? 2 * (i + 1) : settings.Steps;
            run.Train(null, new StopAt(last, cancel), cancel.Token);
            Assert.Equal(last, run.Step);
        }
        return folder.Checkpoints()[^1];
    }

    /// <summary>A broken run ends in the very bytes of a whole one.</summary>
    public void AssertResumes(Func<ITrainingStage> make)
    {
        string whole = Train(make, "whole", Settings);
        string broken = Train(make, "broken", Settings, stops: 2);
        foreach (string file in new[] { "average.safetensors", "optimiser.safetensors" })
        {
            Assert.Equal(
                System.IO.File.ReadAllBytes(Path.Combine(whole, file)),
                System.IO.File.ReadAllBytes(Path.Combine(broken, file))
            );
        }
    }

    /// <summary>A value of every line of a run's metrics that has it.</summary>
    public double[] Metric(string run, string name) =>
        [
            .. System
                .IO.File.ReadAllLines(File(run + "/metrics.jsonl"))
                .Select(l => JsonDocument.Parse(l).RootElement)
                .Where(l => l.TryGetProperty(name, out _))
                .Select(l => l.GetProperty(name).GetDouble()),
        ];

    /// <summary>The mean loss of the last lines is so much lower than the first.</summary>
    public void AssertLearns(Func<TrainingSettings, ITrainingStage> make, int steps, double peak, double below)
    {
        TrainingSettings settings = Settings with
        {
            Steps = steps,
            ValidateEvery = steps,
            LogEvery = steps / 10,
            LearningRate = new() { Peak = peak, WarmUp = 5 },
        };
        Train(() => make(settings), "heart", settings);
        double[] losses = Metric("heart", "loss");
        Assert.True(losses.TakeLast(2).Average() < below * losses[0], string.Join(' ', losses));
    }

    public void Dispose()
    {
        set_num_threads(_threads);
        _folder.Dispose();
    }
}
