using Coser.Checkpoints;
using Coser.Cli;
using Coser.Tests.Training;
using Coser.Training.Plans;
using Coser.Training.Runs;

namespace Coser.Tests.Cli;

/// <summary>A whole training from one command.</summary>
[Collection(ProcessWide.Name)] // training starts from the global generator
public sealed class TrainAllTests : IDisposable
{
    private const string Recipe = """
        {
          // Comments are allowed.
          "network": { "num_feat": 4, "num_block": 1 },
          "patch": 48,
          "validation_photos": 1,
          "degradation": { "gt_size": 32 },
          "training": { "batch": 1, "steps": 2, "log_every": 2, "validate_every": 2, "bf16": false }
        }
        """;

    private const string Plan = """
        {
          "model": "mine",
          "manifest": "begin.json",
          "names": { "mine": "mine" },
          "steps": [
            { "name": "first", "stage": "presr", "recipe": "presr.json" },
            { "name": "pairs", "command": ["dataset", "degrade", "--data", "{data}", "-o", "{work}/pairs"] },
            { "name": "second", "stage": "presr", "recipe": "presr.json", "init": "presr" }
          ]
        }
        """;

    private readonly CliHarness _cli = new() { Real = true };

    public TrainAllTests()
    {
        SmallDataSet.Write(_cli.Full("data"));
        File.WriteAllText(_cli.Full("presr.json"), Recipe);
        File.WriteAllText(_cli.Full("plan.json"), Plan);
        File.WriteAllText(
            _cli.Full("begin.json"),
            """{ "format": 1, "name": "mine", "licence": "as you like", "scale": 4, "components": {} }"""
        );
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void Every_step_is_done_once_and_ends_in_the_model()
    {
        Assert.Equal(ExitCode.Success, Run());
        Assert.Contains("3/3 second", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("all steps are done", _cli.Out, StringComparison.Ordinal);
        using (ModelDirectory model = ModelDirectory.Open(_cli.Full("work/mine")))
            Assert.Equal(("as you like", true), (model.Manifest.Licence, model.IsPreSrOnly));
        Assert.NotEmpty(Directory.EnumerateFiles(_cli.Full("work/pairs/lr")));
        // The second run began with the first one's weights.
        Assert.EndsWith("presr.safetensors", RunInputs.Read(_cli.Full("work/runs/second"))!.Initial);

        DateTime made = File.GetLastWriteTimeUtc(_cli.Full("work/mine/presr.safetensors"));
        Assert.Equal(ExitCode.Success, Run());
        Assert.Contains("1/3 first: done", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(made, File.GetLastWriteTimeUtc(_cli.Full("work/mine/presr.safetensors")));

        File.WriteAllText(_cli.Full("work/pairs/old"), "");
        Assert.Equal(ExitCode.Success, Run("--from", "second"));
        Assert.True(File.Exists(_cli.Full("work/pairs/old")));
        Assert.True(made < File.GetLastWriteTimeUtc(_cli.Full("work/mine/presr.safetensors")));
        Assert.Equal(ExitCode.Success, Run("--from", "pairs"));
        Assert.False(File.Exists(_cli.Full("work/pairs/old")));
        Assert.NotEmpty(Directory.EnumerateFiles(_cli.Full("work/pairs/lr")));
    }

    [Fact]
    public void What_was_done_otherwise_or_fails_is_not_passed_over()
    {
        string broken = Plan.Replace("{data}", "{data}/none", StringComparison.Ordinal);
        File.WriteAllText(_cli.Full("plan.json"), broken);
        Assert.Equal(ExitCode.Failed, Run());
        Assert.Contains("none", _cli.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.Full("work/runs/second")));
        File.WriteAllText(_cli.Full("plan.json"), Plan);
        Assert.Equal(ExitCode.Success, Run());
        Assert.Contains("1/3 first: done", _cli.Out, StringComparison.Ordinal);

        File.WriteAllText(
            _cli.Full("presr.json"),
            Recipe.Replace("\"steps\": 2", "\"steps\": 3", StringComparison.Ordinal)
        );
        Assert.Equal(ExitCode.Failed, Run());
        Assert.Contains("--from first", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, Run("--from", "nothing"));
        Assert.Contains("no step 'nothing'", _cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"stage\": \"presr\"", "\"stage\": \"cooking\"", "no stage 'cooking'")]
    [InlineData("\"name\": \"second\"", "\"name\": \"first\"", "each once")]
    [InlineData("\"name\": \"second\"", "\"name\": \"../x\"", "file names")]
    [InlineData("presr.json", "absent.json", "absent.json")]
    [InlineData("begin.json", "no.json", "no.json")]
    [InlineData("\"init\": \"presr\"", "\"command\": [\"doctor\"]", "either a stage or a command")]
    [InlineData("\"steps\"", "\"stages\"", "stages")]
    public void An_unsound_plan_is_refused_before_anything_is_made(string part, string wrong, string reason)
    {
        File.WriteAllText(_cli.Full("plan.json"), Plan.Replace(part, wrong, StringComparison.Ordinal));
        Assert.Equal(ExitCode.Failed, Run());
        Assert.Contains(reason, _cli.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_cli.Full("work")));
    }

    [Fact]
    public void Names_in_recipes_become_paths_of_the_work_folder()
    {
        File.WriteAllText(
            _cli.Full("recipe.json"),
            """{ "model": "mine", "a": ["mine", "other", 1], "b": { "c": "deep" } }"""
        );
        var plan = new TrainingPlan
        {
            Model = "mine",
            Names = new Dictionary<string, string> { ["mine"] = "mine", ["deep"] = "x/y" },
            Steps = [],
        };
        string resolved = plan.Resolve(_cli.Full("recipe.json"), "/w").Replace(" ", "", StringComparison.Ordinal);
        Assert.Contains("\"/w/mine\",\n\"other\"", resolved, StringComparison.Ordinal);
        Assert.Contains("\"c\":\"/w/x/y\"", resolved, StringComparison.Ordinal);
    }

    private int Run(params string[] more) =>
        _cli.Run([
            .. new[] { "train", "all", "--plan", _cli.Full("plan.json"), "--data", _cli.Full("data") },
            .. new[] { "--work", _cli.Full("work") },
            .. more,
        ]);
}
