using System.Diagnostics;
using Coser.Tests.Cli;
using Coser.Training.Runs;

namespace Coser.Tests.Training;

/// <summary>The command itself, killed by the system at moments nobody chose.</summary>
[Collection(ProcessWide.Name)] // alone: the moments are counted in milliseconds
public sealed class KilledRunTests : IDisposable
{
    private const int Kills = 4;

    // Other moments for whoever wants to try many: COSER_KILL_SEED=7 bash test.sh -class '*KilledRunTests'
    private static readonly int Seed = int.Parse(
        Environment.GetEnvironmentVariable("COSER_KILL_SEED") ?? "20261",
        System.Globalization.CultureInfo.InvariantCulture
    );

    // Checkpoints and lines at every step or two: most moments lie inside one being written.
    private const string Recipe = """
        {
          "network": { "num_feat": 4, "num_block": 1 },
          "patch": 48,
          "validation_photos": 1,
          "degradation": { "gt_size": 32 },
          "training": {
            "batch": 1, "accumulate": 2, "steps": 60, "log_every": 2, "validate_every": 10, "checkpoint_minutes": 0,
            "keep_checkpoints": 1, "best_metric": "psnr", "bf16": false
          }
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public KilledRunTests()
    {
        SmallDataSet.Write(_folder.File("data"));
        File.WriteAllText(_folder.File("recipe.json"), Recipe);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Killed_at_random_moments_a_run_ends_as_if_nothing_had_been()
    {
        using (Process whole = Start("whole"))
            CommandProcess.End(whole);
        var random = new Random(Seed);
        for (int kill = 0; kill < Kills; kill++)
        {
            using Process broken = Start("broken");
            // Somewhere after it has begun to train; the first time, and now and then, before there is any checkpoint.
            Wait(broken, _folder.File("broken"), steps: kill == 0 ? 0 : random.Next(1, 12));
            Thread.Sleep(random.Next(0, 30));
            broken.Kill(); // SIGKILL
            broken.WaitForExit();
            Assert.False(RunLock.IsHeld(_folder.File("broken")));
        }
        using (Process last = Start("broken", "--resume"))
            CommandProcess.End(last);

        Assert.Equal(Losses("whole"), Losses("broken"));
        Assert.Equal(30, Losses("broken").Count);
        foreach (string file in new[] { "average.safetensors", "optimiser.safetensors" })
            Assert.Equal(Bytes("whole", "checkpoint-000000060", file), Bytes("broken", "checkpoint-000000060", file));
        Assert.Equal(Bytes("whole", "best", "average.safetensors"), Bytes("broken", "best", "average.safetensors"));
        Assert.Equal(Bytes("whole", "samples", "000000060.png"), Bytes("broken", "samples", "000000060.png"));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.File("broken"), ".*"));
        Assert.Single(new RunFolder(_folder.File("broken")).Checkpoints());
    }

    private Process Start(string run, params string[] more)
    {
        string folder = _folder.File(run);
        return CommandProcess.Start([
            .. new[] { "train", "presr", "--run", folder, "--device", "cpu" },
            .. File.Exists(Path.Combine(folder, TrainingRecipe.FileName))
                ? Array.Empty<string>()
                : ["--recipe", _folder.File("recipe.json"), "--data", _folder.File("data")],
            .. more,
        ]);
    }

    // Until the run has done so many steps more, by its checkpoints.
    private static void Wait(Process process, string folder, int steps)
    {
        long from = Done(folder);
        var clock = Stopwatch.StartNew();
        while (!File.Exists(Path.Combine(folder, TrainingRecipe.FileName)) || Done(folder) < from + steps)
        {
            Assert.False(process.HasExited, "it ended before it could be killed");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "it does not begin");
            Thread.Sleep(2);
        }
    }

    private static long Done(string folder)
    {
        try
        {
            return RunFolder.CheckpointsOf(folder) is [.., var newest] ? RunFolder.ReadState(newest).Step : 0;
        }
        catch (IOException) // it is being replaced
        {
            return 0;
        }
    }

    private IReadOnlyList<(long, double, double)> Losses(string run) =>
        [
            .. RunMetrics
                .Read(Path.Combine(_folder.File(run), RunMetrics.FileName))
                .Select(l => (l.Step, l.Values["loss"], l.Values["grad_norm"])),
        ];

    private byte[] Bytes(params string[] parts) => File.ReadAllBytes(_folder.File(Path.Combine(parts)));
}
