using Coser.Checkpoints;
using Coser.Imaging;
using Coser.Networks.Baselines;
using Coser.Tests.Evaluation;

namespace Coser.Tests.Cli;

public sealed class EvalCommandTests
{
    [Fact]
    public void A_run_writes_every_kind_of_report()
    {
        using var set = new SmallSet();
        using var cli = new CliHarness();
        string[] run =
        [
            "eval",
            "--lr",
            set.Lr,
            "--hr",
            set.Hr,
            "--method",
            "bicubic",
            "--method",
            "sharp=lanczos",
            "--method",
            "folder:" + set.Hr,
            "-o",
            set.Output,
        ];
        Assert.Equal(0, cli.Run(run));
        Assert.Contains("| | bicubic | sharp | hr |", cli.Out, StringComparison.Ordinal);
        foreach (string file in new[] { "table.md", "images.csv", "results.jsonl", "report.html" })
            Assert.True(File.Exists(Path.Combine(set.Output, file)), file);
        Assert.Equal(cli.Out, File.ReadAllText(Path.Combine(set.Output, "table.md")));
        string first = File.ReadAllText(Path.Combine(set.Output, "results.jsonl"));
        Assert.Equal(0, cli.Run(run));
        Assert.Equal(first, File.ReadAllText(Path.Combine(set.Output, "results.jsonl")));
    }

    [Fact]
    public void What_is_not_there_ends_the_run_with_a_sentence()
    {
        using var set = new SmallSet();
        using var cli = new CliHarness();
        Assert.NotEqual(0, cli.Run("eval", "--lr", set.Lr, "--method", "bicubic"));
        Assert.Contains("--hr", cli.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, cli.Run("eval", "--lr", set.Lr, "--hr", set.Hr, "--method", "no-such-model"));
        Assert.Contains("no-such-model", cli.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, cli.Run("eval", "--lr", set.Lr, "--hr", set.Hr, "--method", "bicubic", "--border", "-1"));
        Assert.Contains("--border", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_baselines_own_file_is_a_model_for_upscale_and_eval()
    {
        using var set = new SmallSet();
        using var cli = new CliHarness { Real = true };
        string file = Path.Combine(cli.Folder, "realesr-test.safetensors");
        using (var network = new SrVggNet(new SrVggNetConfig { Features = 4, Convolutions = 1 }))
            SafetensorsWriter.Write(file, network.state_dict());
        string photo = Path.Combine(set.Lr, "image0.png");
        string output = Path.Combine(cli.Folder, "big.png");
        Assert.Equal(0, cli.Run("upscale", photo, "--model", file, "-o", output));
        using (Photo restored = Photo.Open(output))
            Assert.Equal((48, 48), (restored.Width, restored.Height));
        Assert.Equal(0, cli.Run("eval", "--lr", set.Lr, "--hr", set.Hr, "--method", file));
        Assert.Contains("| | realesr-test |", cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_photos_make_no_niqe_prior()
    {
        using var set = new SmallSet(hrSide: 192);
        using var cli = new CliHarness();
        string prior = Path.Combine(cli.Folder, "prior.json");
        Assert.NotEqual(0, cli.Run("eval", "niqe-prior", "--photos", set.Hr, "-o", prior));
        Assert.Contains("too few", cli.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(prior));
    }
}
