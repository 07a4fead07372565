using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli.Training;
using Coser.Engine;
using Coser.Networks.PreSr;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.PreSr;
using Coser.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class TrainingRunTests : IDisposable
{
    private static readonly PreSrRecipe Recipe = new()
    {
        Network = new MsrResNetConfig { Features = 8, Blocks = 1 },
        Patch = 48,
        ValidationPhotos = 2,
        Degradation = new DegradationSettings { GtSize = 32, SharpenGt = false },
        Training = new TrainingSettings
        {
            Batch = 2,
            Steps = 8,
            LogEvery = 2,
            ValidateEvery = 4,
            Bf16 = false,
            LearningRate = new() { Peak = 1e-3, WarmUp = 2 },
        },
    };

    private static readonly Compute Cpu = new(CPU, float32);

    private readonly TemporaryFolder _folder = new();

    public TrainingRunTests() => SmallDataSet.Write(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_resumed_run_ends_with_the_same_weights_as_an_unbroken_one()
    {
        (string whole, List<TrainingProgress> wholeReports) = Train("whole", cancelAfter: null);
        Train("broken", cancelAfter: 4);
        Assert.Equal(4, RunFolder.ReadState(new RunFolder(_folder.File("broken")).Checkpoints()[^1]).Step);
        (string broken, List<TrainingProgress> resumedReports) = Train("broken", cancelAfter: null);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(broken));
        Assert.Equal(
            wholeReports.Where(r => r.Step > 4).Select(r => (r.Step, r.Loss, r.GradientNorm)),
            resumedReports.Select(r => (r.Step, r.Loss, r.GradientNorm))
        );
    }

    [Fact]
    public void A_run_writes_its_metrics_samples_and_a_component_that_loads()
    {
        Train("run", cancelAfter: null);
        var folder = new RunFolder(_folder.File("run"));
        Assert.Single(folder.Checkpoints().TakeLast(1));
        JsonElement[] lines =
        [
            .. File.ReadAllLines(Path.Combine(folder.Path, "metrics.jsonl"))
                .Select(l => JsonDocument.Parse(l).RootElement),
        ];
        Assert.Equal([2, 4, 6, 8], lines.Select(l => l.GetProperty("step").GetInt32()));
        Assert.True(lines[1].GetProperty("val_psnr").GetDouble() > 5);
        Assert.True(File.Exists(folder.SamplePath(8)));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path, ".*"));

        using var stage = new PreSrStage(Recipe, PhotoIndex.Open(_folder.Path), Cpu);
        using var run = new TrainingRun(stage, Recipe.Training, folder);
        string model = _folder.File("model");
        ModelExport.Write(stage.Components(run.Weights), model, JsonSerializer.SerializeToElement(new { steps = 8 }));
        using ModelDirectory directory = ModelDirectory.Open(model);
        Assert.True(directory.IsPreSrOnly);
        Assert.Equal("F16", Assert.Single(directory.Components).DType);
        using MsrResNet network = directory.LoadPreSr();
        Tensor trained = run.Weights["conv_first.weight"];
        using Tensor difference = (network.state_dict()["conv_first.weight"] - trained).abs().max();
        Assert.InRange(difference.item<float>(), 0, 1e-3f);
    }

    [Fact]
    public void A_loss_that_is_not_finite_is_skipped_and_counted()
    {
        using var stage = new FaultyStage();
        var folder = new RunFolder(_folder.File("faulty"));
        var reports = new List<TrainingProgress>();
        TrainingSettings settings = Recipe.Training with { Steps = 3, WeightDecay = 0, LogEvery = 1 };
        using (var run = new TrainingRun(stage, settings, folder))
        {
            run.Train(null, new Collect(reports.Add), CancellationToken.None);
            Assert.All(run.Weights.Values, w => Assert.True(w.isfinite().all().item<bool>()));
        }
        CheckpointState state = RunFolder.ReadState(folder.Checkpoints()[^1]);
        Assert.Equal((3, 2, 1), (state.Step, state.Updates, state.Skipped));
        Assert.Equal([0, 1, 1], reports.Select(r => r.Skipped));
        Assert.DoesNotContain("skipped", PlainTrainReport.Line(reports[0]), StringComparison.Ordinal);
        Assert.Contains("1 skipped, not finite", PlainTrainReport.Line(reports[^1]), StringComparison.Ordinal);
    }

    [Fact]
    public void Batches_do_not_depend_on_the_number_of_workers()
    {
        using var stage = new PreSrStage(Recipe, PhotoIndex.Open(_folder.Path), Cpu);
        float[] Sums(int workers)
        {
            using var prefetcher = new Prefetcher<TrainingBatch>(stage.MakeBatch, 3, workers, ahead: 2);
            return
            [
                .. Enumerable
                    .Range(0, 5)
                    .Select(_ =>
                    {
                        using TrainingBatch batch = prefetcher.Next();
                        using Tensor sum = batch["lr"].sum() + 3 * batch["hr"].sum();
                        return sum.item<float>();
                    }),
            ];
        }
        float[] alone = Sums(1);
        Assert.Equal(alone, Sums(3));
        Assert.Equal(alone.Length, alone.Distinct().Count());
    }

    [Fact]
    public void A_batch_that_cannot_be_made_stops_the_run_with_its_reason()
    {
        File.WriteAllText(_folder.File("photos/0.png"), "not a picture");
        using var stage = new PreSrStage(Recipe, PhotoIndex.Open(_folder.Path), Cpu);
        using var run = new TrainingRun(stage, Recipe.Training, new RunFolder(_folder.File("run")));
        var failed = Assert.Throws<InvalidOperationException>(() => run.Train(null, null, CancellationToken.None));
        Assert.Contains("0.png", failed.Message);
    }

    [Fact]
    public void Every_epoch_shows_every_photo_once_in_an_order_of_its_own()
    {
        var order = new SampleOrder(50, seed: 9);
        int[] first = [.. Enumerable.Range(0, 50).Select(i => order[i].Photo)];
        int[] second = [.. Enumerable.Range(50, 50).Select(i => order[i].Photo)];
        Assert.Equal(Enumerable.Range(0, 50), first.Order());
        Assert.Equal(Enumerable.Range(0, 50), second.Order());
        Assert.NotEqual(first, second);
        Assert.Equal(first[7], new SampleOrder(50, seed: 9)[7].Photo);
        Assert.NotEqual(first, Enumerable.Range(0, 50).Select(i => new SampleOrder(50, seed: 10)[i].Photo));
    }

    private (string Average, List<TrainingProgress> Reports) Train(string name, int? cancelAfter)
    {
        using var stage = new PreSrStage(Recipe, PhotoIndex.Open(_folder.Path), Cpu);
        var folder = new RunFolder(_folder.File(name));
        using var run = new TrainingRun(stage, Recipe.Training, folder);
        using var cancel = new CancellationTokenSource();
        var reports = new List<TrainingProgress>();
        run.Train(
            null,
            new Collect(p =>
            {
                reports.Add(p);
                if (p.Step == cancelAfter)
                    cancel.Cancel();
            }),
            cancel.Token
        );
        return (Path.Combine(folder.Checkpoints()[^1], "average.safetensors"), reports);
    }

    private sealed class Collect(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }

    // One weight; its second batch gives NaN.
    private sealed class FaultyStage : ITrainingStage
    {
        private readonly TorchSharp.Modules.Parameter _weight = new(ones(1));

        public string Name => "faulty";

        public IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter)> Parameters => [("w", _weight)];

        public TrainingBatch MakeBatch(long index) =>
            new(new Dictionary<string, Tensor> { ["x"] = tensor(new[] { index == 1 ? float.NaN : 1f }) });

        public Compute Compute => Cpu;

        public StageLoss Loss(TrainingBatch batch, long stepsDone) => new((_weight * batch["x"]).sum());

        public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights) =>
            new(new Dictionary<string, double>(), Grid: null);

        public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) => [];

        public void Dispose() => _weight.Dispose();
    }
}
