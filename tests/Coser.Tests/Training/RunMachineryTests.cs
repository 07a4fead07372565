using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Coser.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // prefetching sets the number of threads
public sealed class RunMachineryTests : IDisposable
{
    private static readonly TrainingSettings Settings = new()
    {
        Batch = 4,
        Steps = 6,
        LogEvery = 2,
        ValidateEvery = 2,
        WeightDecay = 0.1,
        LearningRate = new() { Peak = 0.05, WarmUp = 1 },
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, 1e-6)]
    [InlineData(true, 0.02)] // weights are rounded to eight bits before each step; masters follow
    public void Accumulated_batches_make_the_step_of_one_large_batch(bool half, double tolerance)
    {
        ScalarType type = half ? bfloat16 : float32;
        Dictionary<string, Tensor> large = Trained("large", 8, Settings, type);
        Dictionary<string, Tensor> small = Trained("small", 2, Settings with { Batch = 2, Accumulate = 4 }, type);
        foreach ((string name, Tensor weight) in large)
            Assert.InRange((weight - small[name]).abs().max().item<float>(), 0, tolerance);
        double[] losses = [.. Lines("large").Select(l => l.Values["loss"])];
        double[] others = [.. Lines("small").Select(l => l.Values["loss"])];
        for (int i = 0; i < losses.Length; i++)
            Assert.Equal(losses[i], others[i], losses[i] * Math.Max(tolerance, 1e-5));
    }

    [Fact]
    public void Sixteen_bit_gradients_are_summed_in_float32()
    {
        using var scope = NewDisposeScope();
        var weight = new TorchSharp.Modules.Parameter(ones(1).to(bfloat16));
        using var optimiser = new Coser.Training.Optimisation.AdamW([("w", weight)], weightDecay: 0);
        for (int i = 0; i < 300; i++)
        {
            weight.sum().backward();
            optimiser.Accumulate();
        }
        Assert.Equal(300, optimiser.GradientNorm()); // bfloat16 stops counting at 256
        optimiser.ZeroGradients();
        Assert.Equal(0, optimiser.GradientNorm());
    }

    [Fact]
    public void Processes_that_exchange_gradients_make_the_step_of_one_process()
    {
        Dictionary<string, Tensor> alone = Trained("alone", 8, Settings);
        using var together = new Together(2);
        var weights = new Dictionary<string, Tensor>[2];
        Thread[] threads =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(rank => new Thread(() =>
                    weights[rank] = Trained(
                        "together",
                        2,
                        Settings with
                        {
                            Batch = 2,
                            Accumulate = 2,
                        },
                        exchange: together.Of(rank)
                    )
                )),
        ];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        foreach ((string name, Tensor weight) in alone)
        {
            Assert.InRange((weight - weights[0][name]).abs().max().item<float>(), 0, 1e-6f);
            Assert.True(weights[0][name].equal(weights[1][name]).all().item<bool>());
        }
        Assert.Equal(3, Lines("together").Count); // the second process writes nothing
    }

    [Fact]
    public void Biases_and_norms_need_not_decay()
    {
        using var scope = NewDisposeScope();
        var matrix = new TorchSharp.Modules.Parameter(ones(2, 2));
        var bias = new TorchSharp.Modules.Parameter(ones(2));
        using var optimiser = new Coser.Training.Optimisation.AdamW(
            [("m", matrix), ("b", bias)],
            weightDecay: 0.5,
            decayVectors: false
        );
        (matrix.sum() * 0 + bias.sum() * 0).backward();
        optimiser.Update(0.1);
        Assert.Equal(0.95f, matrix.max().item<float>(), 1e-6f);
        Assert.Equal(1f, bias.max().item<float>(), 1e-6f);
    }

    [Theory]
    [InlineData(false, 4, 0.9)]
    [InlineData(true, 2, 0.3)]
    public void The_best_weights_by_a_figure_are_kept(bool lower, long step, double value)
    {
        using var stage = new QuadraticStage(4);
        foreach (double score in new[] { 0.3, 0.9, 0.5 })
            stage.Scores.Enqueue(score);
        TrainingSettings settings = Settings with { BestMetric = "score", BestIsLower = lower, KeepCheckpoints = 1 };
        var folder = new RunFolder(_folder.File("run"));
        using var run = new TrainingRun(stage, settings, folder);
        run.Train(null, null, CancellationToken.None);
        BestState best = RunFolder.ReadBest(folder.Path)!;
        Assert.Equal((step, "score", value), (best.Step, best.Metric, best.Value));
        Assert.Equal(step, RunFolder.ReadState(folder.BestPath).Step);
        Assert.True(File.Exists(Path.Combine(folder.BestPath, TrainingRun.AverageName)));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path, ".*"));

        // A kill between the two renames.
        Directory.Move(folder.BestPath, Path.Combine(folder.Path, ".best.old"));
        Directory.CreateDirectory(Path.Combine(folder.Path, ".checkpoint-000000008.partial"));
        folder.Repair();
        Assert.Equal(step, RunFolder.ReadBest(folder.Path)!.Step);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path, ".*"));
    }

    [Fact]
    public void A_figure_that_no_validation_has_is_said_and_nothing_is_lost()
    {
        using var stage = new QuadraticStage(4);
        var folder = new RunFolder(_folder.File("run"));
        using var run = new TrainingRun(stage, Settings with { BestMetric = "psnr" }, folder);
        var refused = Assert.Throws<InvalidDataException>(() => run.Train(null, null, CancellationToken.None));
        Assert.Contains("'psnr'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("score", refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, RunFolder.ReadState(folder.Checkpoints()[^1]).Step);
    }

    [Fact]
    public void A_run_that_goes_on_drops_what_its_checkpoint_does_not_know()
    {
        using (var stage = new QuadraticStage(4))
        using (var run = new TrainingRun(stage, Settings with { Steps = 4 }, new RunFolder(_folder.File("run"))))
            run.Train(null, null, CancellationToken.None);
        string path = _folder.File("run/metrics.jsonl");
        File.AppendAllText(path, "{\"step\":6,\"loss\":7}\n{\"step\":8,\"lo");
        Trained("run", 4, Settings);
        Assert.Equal([2, 4, 6], Lines("run").Select(l => l.Step));
        Assert.NotEqual(7, Lines("run")[^1].Values["loss"]);
        Assert.Equal(3, File.ReadAllLines(path).Length);
    }

    [Fact]
    public void A_stop_between_two_lines_leaves_no_trace_in_the_losses()
    {
        TrainingSettings settings = Settings with { LogEvery = 3, ValidateEvery = 6 };
        Trained("whole", 4, settings);
        for (int stop = 1; stop < 6; stop++)
        {
            using var stage = new QuadraticStage(4);
            using var run = new TrainingRun(stage, settings, new RunFolder(_folder.File("broken")));
            using var cancel = new CancellationTokenSource();
            run.Train(null, null, cancel.Token, new Ticks(_ => cancel.Cancel()));
            Assert.Equal(stop, run.Step);
        }
        Trained("broken", 4, settings);
        foreach (string name in new[] { "loss", "grad_norm", "loss_twice" })
            Assert.Equal(Lines("whole").Select(l => l.Values[name]), Lines("broken").Select(l => l.Values[name]));
    }

    [Fact]
    public void Curves_and_heartbeat_tell_how_it_goes()
    {
        Trained("run", 4, Settings);
        using NetVips.Image curves = NetVips.Image.NewFromFile(_folder.File("run/curves.png"));
        Assert.Equal((1120, 640), (curves.Width, curves.Height)); // loss, lr, val_score
        Assert.InRange(curves.Flatten().Avg(), 200, 254); // lines on white
        Heartbeat beat = Heartbeat.Read(_folder.File("run"))!;
        Assert.Equal((6, Environment.ProcessId), (beat.Step, beat.Process));
        Assert.True(beat.Loss > 0 && beat.Memory > 1e6 && beat.StepsPerSecond > 0);
    }

    [Fact]
    public void Event_files_hold_whole_records_with_true_checksums()
    {
        Assert.Equal(0xE3069283u, Unmasked(EventFile.MaskedChecksum("123456789"u8))); // CRC-32C's check value
        Trained("run", 4, Settings);
        string file = Assert.Single(Directory.GetFiles(_folder.File("run/tensorboard")));
        byte[][] events = [.. Records(File.ReadAllBytes(file))];
        Assert.Contains("brain.Event:2", Encoding.UTF8.GetString(events[0]), StringComparison.Ordinal);
        Assert.Equal(2 + 3 * 2, events.Length); // version, session; three times scalars and a picture
        string last = Encoding.UTF8.GetString(events[^1]);
        foreach (string tag in new[] { "loss/loss", "training/lr", "validation/score" })
            Assert.Contains(tag, last, StringComparison.Ordinal);
        byte[] png = File.ReadAllBytes(_folder.File("run/samples/000000006.png"));
        Assert.True(events[^2].AsSpan().IndexOf(png) > 0);
        // wall_time: field 1, double; step: field 2, varint.
        double seconds = BinaryPrimitives.ReadDoubleLittleEndian(events[^1].AsSpan(1));
        Assert.Equal(DateTimeOffset.UtcNow.ToUnixTimeSeconds(), seconds, 60.0);
        Assert.Equal((0x10, 6), (events[^1][9], events[^1][10]));
        int at = events[^1].AsSpan().IndexOf("validation/score"u8) + "validation/score".Length;
        Assert.Equal(0x15, events[^1][at]); // simple_value: field 2, float
        Assert.Equal(
            Lines("run")[^1].Values["val_score"],
            BinaryPrimitives.ReadSingleLittleEndian(events[^1].AsSpan(at + 1)),
            1e-6
        );
    }

    [Fact]
    public void A_folder_belongs_to_one_process()
    {
        string folder = _folder.File("run");
        Assert.False(RunLock.IsHeld(folder));
        using (RunLock.Take(folder))
        {
            Assert.True(RunLock.IsHeld(folder));
            var refused = Assert.Throws<InvalidDataException>(() => RunLock.Take(folder));
            Assert.Contains("--run", refused.Message, StringComparison.Ordinal);
        }
        Assert.False(RunLock.IsHeld(folder));
        RunLock.Take(folder).Dispose();
    }

    private Dictionary<string, Tensor> Trained(
        string name,
        int batch,
        TrainingSettings settings,
        ScalarType? type = null,
        IGradientExchange? exchange = null
    )
    {
        using var stage = new QuadraticStage(batch, type);
        using var run = new TrainingRun(stage, settings, new RunFolder(_folder.File(name)), exchange: exchange);
        run.Train(null, null, CancellationToken.None);
        return run.Weights.ToDictionary(w => w.Key, w => w.Value.clone(), StringComparer.Ordinal);
    }

    private IReadOnlyList<MetricLine> Lines(string name) => RunMetrics.Read(_folder.File(name + "/metrics.jsonl"));

    private static uint Unmasked(uint masked) => BitOperations.RotateLeft(masked - 0xA282EAD8, 15);

    private static IEnumerable<byte[]> Records(byte[] file)
    {
        for (int at = 0; at < file.Length; )
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(EventFile.MaskedChecksum(file.AsSpan(at, 8)), Number(at + 8));
            Assert.Equal(EventFile.MaskedChecksum(file.AsSpan(at + 12, length)), Number(at + 12 + length));
            yield return file[(at + 12)..(at + 12 + length)];
            at += 16 + length;
        }
        uint Number(int at) => BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at));
    }

    private sealed class Ticks(Action<TrainingTick> report) : IProgress<TrainingTick>
    {
        public void Report(TrainingTick value) => report(value);
    }

    // Threads that stand for processes; the last one to arrive computes the means for all.
    private sealed class Together : IDisposable
    {
        private readonly Barrier _barrier;
        private readonly IReadOnlyList<Tensor>[] _tensors;
        private readonly double[] _values;

        public Together(int size)
        {
            (_tensors, _values) = (new IReadOnlyList<Tensor>[size], new double[size]);
            _barrier = new Barrier(size);
        }

        public IGradientExchange Of(int rank) => new Member(this, rank);

        public void Dispose() => _barrier.Dispose();

        private sealed class Member(Together all, int rank) : IGradientExchange
        {
            public int Rank => rank;

            public int Size => all._values.Length;

            public void Average(IReadOnlyList<Tensor> gradients)
            {
                all._tensors[rank] = gradients;
                all._barrier.SignalAndWait();
                if (rank == 0)
                {
                    using var scope = NewDisposeScope();
                    using var noGrad = no_grad();
                    for (int i = 0; i < gradients.Count; i++)
                    {
                        Tensor mean = stack([.. all._tensors.Select(t => t[i])]).mean([0]);
                        foreach (IReadOnlyList<Tensor> own in all._tensors)
                            own[i].copy_(mean);
                    }
                }
                all._barrier.SignalAndWait();
            }

            public double Average(double value)
            {
                all._values[rank] = value;
                all._barrier.SignalAndWait();
                double mean = all._values.Average();
                all._barrier.SignalAndWait();
                return mean;
            }

            public void Dispose() { }
        }
    }
}
