using System.Text.Json;
using Coser.Cli;
using Coser.Cli.Training;
using Coser.Tests.Training;
using Coser.Training.Runs;

namespace Coser.Tests.Cli;

/// <summary>Runs seen from outside, and who may work on them.</summary>
[Collection(ProcessWide.Name)] // training starts from the global generator
public sealed class TrainStatusTests : IDisposable
{
    private const string Recipe = """
        {
          "network": { "num_feat": 4, "num_block": 1 },
          "patch": 48,
          "validation_photos": 1,
          "degradation": { "gt_size": 32 },
          "training": {
            "batch": 1, "steps": 4, "log_every": 2, "validate_every": 2, "best_metric": "psnr", "bf16": false
          }
        }
        """;

    private readonly CliHarness _cli = new();

    public TrainStatusTests()
    {
        SmallDataSet.Write(_cli.Full("data"));
        File.WriteAllText(_cli.Full("recipe.json"), Recipe);
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void A_finished_run_shows_steps_figures_best_and_checkpoints()
    {
        Assert.Equal(ExitCode.Success, Train("runs/a"));
        Assert.Equal(ExitCode.Success, _cli.Run("train", "status", "--run", _cli.Full("runs/a")));
        foreach (string part in new[] { "presr", "finished", "4 of 4 (100.0", "psnr", "checkpoint-000000004", "best" })
            Assert.Contains(part, _cli.Out, StringComparison.Ordinal);

        Assert.Equal(ExitCode.Success, _cli.Run("train", "status", "--run", _cli.Full("runs"), "--json"));
        JsonElement run = Assert.Single(JsonDocument.Parse(_cli.Out).RootElement.EnumerateArray().ToArray());
        Assert.Equal("finished", run.GetProperty("state").GetString());
        Assert.Equal(4, run.GetProperty("validationStep").GetInt32());
        Assert.Equal("psnr", run.GetProperty("best").GetProperty("metric").GetString());
        Assert.Equal(BuildInfo.Full, Assert.Single(run.GetProperty("code").EnumerateArray().ToArray()).GetString());
        Assert.Equal(JsonValueKind.Null, run.GetProperty("left").ValueKind);

        // What is best can be exported.
        string[] export = ["train", "export", "--run", _cli.Full("runs/a"), "-o", _cli.Full("model")];
        Assert.Equal(ExitCode.Success, _cli.Run([.. export, "--best"]));
        Directory.Delete(_cli.Full("runs/a/best"), recursive: true);
        Assert.Equal(ExitCode.Failed, _cli.Run([.. export, "--best"]));
        Assert.Contains("best_metric", _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_somebody_holds_trains_and_refuses_a_second_process()
    {
        Assert.Equal(ExitCode.Success, Train("run"));
        using (RunLock.Take(_cli.Full("run")))
        {
            Assert.Equal(ExitCode.Failed, Train("run"));
            Assert.Contains("another process", _cli.Error, StringComparison.Ordinal);
            Assert.Equal(ExitCode.Success, _cli.Run("train", "status", "--run", _cli.Full("run")));
            Assert.Contains($"process {Environment.ProcessId}", _cli.Out, StringComparison.Ordinal);
            Assert.Contains("it/s", _cli.Out, StringComparison.Ordinal);
        }
        Assert.Equal(ExitCode.Success, Train("run"));
    }

    [Fact]
    public void Beats_of_another_machine_count_while_they_are_fresh()
    {
        Assert.Equal(ExitCode.Success, Train("run"));
        string folder = _cli.Full("run");
        File.WriteAllText(
            Path.Combine(folder, TrainingRecipe.FileName),
            Recipe.Replace("\"steps\": 4", "\"steps\": 100", StringComparison.Ordinal)
        );
        DateTimeOffset now = DateTimeOffset.UtcNow;
        new Heartbeat
        {
            Host = "elsewhere",
            Process = 7,
            At = now,
            Step = 50,
            StepsPerSecond = 0.5,
        }.Write(new RunFolder(folder));
        RunStatus fresh = RunStatus.Read(folder, now.AddSeconds(30));
        Assert.Equal((RunState.Training, 50, 100.0), (fresh.State, fresh.Step, fresh.Left));
        RunStatus stale = RunStatus.Read(folder, now.AddMinutes(5));
        Assert.Equal((RunState.Stopped, 4, (double?)null), (stale.State, stale.Step, stale.Left));
    }

    [Fact]
    public void Resuming_wants_a_run_of_its_stage()
    {
        Assert.Equal(ExitCode.Usage, _cli.Run("train", "presr", "--run", _cli.Full("none"), "--resume"));
        Assert.Contains("holds no run to resume", _cli.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.Full("none")));
        Assert.Equal(ExitCode.Success, Train("run"));
        Assert.Equal(ExitCode.Success, _cli.Run("train", "presr", "--run", _cli.Full("run"), "--resume"));
        Assert.Equal(ExitCode.Usage, _cli.Run("train", "clip", "--run", _cli.Full("run"), "--resume"));
        Assert.Contains("coser train presr", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, _cli.Run("train", "status", "--run", _cli.Full("data")));
        Assert.Contains("neither a run nor", _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_was_killed_before_its_first_checkpoint_keeps_its_start()
    {
        Assert.Equal(ExitCode.Success, Train("first"));
        string weights = _cli.Full("first/checkpoint-000000004/average.safetensors");
        Assert.Equal(ExitCode.Success, Train("whole", "--init", weights));
        Assert.Equal(ExitCode.Success, Train("broken", "--init", weights));
        foreach (string checkpoint in Directory.GetDirectories(_cli.Full("broken"), "checkpoint-*"))
            Directory.Delete(checkpoint, recursive: true);
        Assert.Equal(ExitCode.Success, _cli.Run("train", "presr", "--run", _cli.Full("broken")));
        byte[] Last(string run) => File.ReadAllBytes(_cli.Full($"{run}/checkpoint-000000004/average.safetensors"));
        Assert.Equal(Last("whole"), Last("broken"));
        Assert.NotEqual(Last("first"), Last("broken"));
    }

    [Fact]
    public void A_terminal_sees_every_step()
    {
        using var live = new CliHarness { Live = true };
        string[] train = ["train", "presr", "--recipe", _cli.Full("recipe.json"), "--data", _cli.Full("data")];
        Assert.Equal(ExitCode.Success, live.Run([.. train, "--run", live.Full("run")]));
        Assert.Contains("step 2/4", live.Console.Output, StringComparison.Ordinal);
        Assert.Contains("psnr", live.Console.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, live.Run("train", "status", "--run", live.Full("run")));
        Assert.Contains("checkpoint-000000004", live.Console.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, live.Run([.. train, "--run", live.Full("run2")]));
        Assert.Equal(ExitCode.Success, live.Run("train", "status", "--run", live.Folder));
        Assert.Contains("run2", live.Console.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(12.4, "12 s")]
    [InlineData(725, "12 min")]
    [InlineData(3900, "1:05 h")]
    [InlineData(3 * 86400 + 4 * 3600 + 600, "3 d 4:10 h")]
    public void Times_are_told_as_people_tell_them(double seconds, string text) =>
        Assert.Equal(text, PlainTrainReport.Time(seconds));

    private int Train(string run, params string[] more) =>
        _cli.Run([
            .. new[] { "train", "presr", "--run", _cli.Full(run) },
            .. new[] { "--recipe", _cli.Full("recipe.json"), "--data", _cli.Full("data") },
            .. more,
        ]);
}
