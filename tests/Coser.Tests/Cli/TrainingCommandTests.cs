using System.Text.Json;
using Coser.Cli;
using Coser.Tests.Training;
using Coser.Training.PreSr;
using Coser.Training.Runs;

namespace Coser.Tests.Cli;

/// <summary>From photos to a model that restores, by commands alone.</summary>
[Collection(ProcessWide.Name)] // training starts from the global generator
public sealed class TrainingCommandTests : IDisposable
{
    private const string Recipe = """
        {
          "network": { "num_feat": 4, "num_block": 1 },
          "patch": 48,
          "validation_photos": 1,
          "degradation": { "gt_size": 32 },
          "training": { "batch": 1, "steps": 4, "log_every": 2, "validate_every": 4, "bf16": false }
        }
        """;

    private readonly CliHarness _cli = new() { Real = true };

    public TrainingCommandTests()
    {
        SmallDataSet.Write(_cli.Full("data"));
        File.WriteAllText(_cli.Full("recipe.json"), Recipe);
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void Photos_become_a_model_that_is_measured_and_used()
    {
        Assert.Equal(ExitCode.Success, Train("--recipe", _cli.Full("recipe.json")));
        Assert.Contains("step 4/4", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("psnr", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, Train());
        Assert.Contains("step 4 of 4", _cli.Out, StringComparison.Ordinal);

        Assert.Equal(ExitCode.Success, _cli.Run("train", "export", "--run", _cli.Full("run"), "-o", _cli.Full("mine")));
        Assert.Equal(
            ExitCode.Success,
            _cli.Run("dataset", "degrade", "--data", _cli.Full("data"), "-o", _cli.Full("pairs"), "--seed", "3")
        );
        Assert.Equal(
            ExitCode.Success,
            _cli.Run([
                .. new[] { "eval", "--hr", _cli.Full("pairs/hr"), "--lr", _cli.Full("pairs/lr") },
                .. new[] { "-o", _cli.Full("report"), "--method", "bicubic", "--method", _cli.Full("mine") },
            ])
        );
        Assert.Contains("| mine (pre-SR only) |", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("border 0", _cli.Out, StringComparison.Ordinal);
        // Two validation photos, two methods, a header.
        Assert.Equal(5, File.ReadAllLines(_cli.Full("report/images.csv")).Length);

        string lr = Directory.EnumerateFiles(_cli.Full("pairs/lr")).First();
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", lr, "--model", _cli.Full("mine")));
    }

    [Fact]
    public void Degraded_pairs_follow_from_their_seed()
    {
        byte[] Pair(string name, string seed)
        {
            string folder = _cli.Full(name);
            Assert.Equal(
                ExitCode.Success,
                _cli.Run("dataset", "degrade", "--data", _cli.Full("data"), "-o", folder, "--seed", seed)
            );
            return File.ReadAllBytes(Directory.EnumerateFiles(Path.Combine(folder, "lr")).Order().First());
        }
        byte[] first = Pair("a", "5");
        Assert.Equal(first, Pair("b", "5"));
        Assert.NotEqual(first, Pair("c", "6"));
    }

    [Theory]
    [InlineData("no-such-split", "no photo of the split")]
    public void What_cannot_be_degraded_is_said(string split, string reason)
    {
        int exit = _cli.Run("dataset", "degrade", "--data", _cli.Full("data"), "-o", _cli.Full("x"), "--split", split);
        Assert.Equal(ExitCode.Failed, exit);
        Assert.Contains(reason, _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_usage_and_bad_recipes_are_told_apart()
    {
        Assert.Equal(ExitCode.Usage, Train());
        Assert.False(Directory.Exists(_cli.Full("run")));
        Assert.Contains("--recipe", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, Train("--recipe", _cli.Full("recipe.json"), "--for", "soon"));
        File.WriteAllText(_cli.Full("recipe.json"), Recipe.Replace("patch", "pacth", StringComparison.Ordinal));
        Assert.Equal(ExitCode.Failed, Train("--recipe", _cli.Full("recipe.json")));
        Assert.Contains("pacth", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, _cli.Run("train", "export", "--run", _cli.Full("none"), "-o", _cli.Full("m")));
        Assert.Equal(ExitCode.Failed, _cli.Run("eval", "--hr", _cli.Full("none"), "--lr", _cli.Full("none")));
    }

    [Fact]
    public void The_shipped_recipe_is_sound_and_round_trips()
    {
        string path = Path.Combine(Repository.Root, "recipes", "coser-mini", "presr.json");
        var recipe = TrainingRecipe.Read<PreSrRecipe>(path);
        File.WriteAllText(_cli.Full("again.json"), recipe.ToJson());
        Assert.Equal(recipe.ToJson(), TrainingRecipe.Read<PreSrRecipe>(_cli.Full("again.json")).ToJson());
        Assert.Equal(0.8, recipe.Degradation.FinalSincProbability);
        Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(recipe.ToJson()).RootElement.ValueKind);
    }

    private int Train(params string[] more) =>
        _cli.Run(["train", "presr", "--data", _cli.Full("data"), "--run", _cli.Full("run"), .. more]);
}
