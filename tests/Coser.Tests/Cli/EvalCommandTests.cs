using System.Text.Json;
using Coser.Checkpoints;
using Coser.Imaging;
using Coser.Networks.Baselines;
using Coser.Tests.Evaluation;
using Coser.Tests.Fixtures;
using Coser.Tests.Restoration;

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
        {
            Fill(network);
            SafetensorsWriter.Write(file, network.state_dict());
        }
        string photo = Path.Combine(set.Lr, "image0.png");
        string output = Path.Combine(cli.Folder, "big.png");
        Assert.Equal(0, cli.Run("upscale", photo, "--model", file, "-o", output));
        using (Photo restored = Photo.Open(output))
            Assert.Equal((48, 48), (restored.Width, restored.Height));
        Assert.Equal(0, cli.Run("eval", "--lr", set.Lr, "--hr", set.Hr, "--method", file));
        Assert.Contains("| | realesr-test |", cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_papers_methods_are_columns_and_official_weights_are_found_by_their_names()
    {
        using var set = new SmallSet();
        using var cli = new CliHarness();
        string[] pairs = ["eval", "--lr", set.Lr, "--hr", set.Hr, "--weights", cli.Folder];
        Assert.NotEqual(0, cli.Run([.. pairs, "--method", "bsrgan"]));
        Assert.Contains(
            $"BSRGAN: its weights are not here; it wants BSRGAN.pth in {cli.Folder}",
            cli.Error,
            StringComparison.Ordinal
        );
        using (
            var network = new RrdbNet(
                new RrdbNetConfig
                {
                    Features = 4,
                    Blocks = 1,
                    Growth = 2,
                }
            )
        )
        {
            Fill(network);
            SafetensorsWriter.Write(Path.Combine(cli.Folder, "BSRGAN.safetensors"), network.state_dict());
        }
        int exit = cli.Run([.. pairs, "--method", "bsrgan", "--method", "StableSR"]);
        Assert.True(exit == 0, cli.Error);
        Assert.Contains("| | BSRGAN | StableSR |", cli.Out, StringComparison.Ordinal);
        Assert.Contains("- StableSR: no figures; it wants StableSR=folder:DIR", cli.Out, StringComparison.Ordinal);
        Assert.Matches(@"\| PSNR RGB ↑ \| \*\*\d.*\*\* \(.*\) \| – \|", cli.Out);
        Assert.Equal(0, cli.Run([.. pairs, "--method", "table1"]));
        // The columns of the paper, in its order.
        Assert.Matches(
            @"\| \| RealSR \| Real-ESRGAN\+ \| BSRGAN \| DASR \| FeMaSR \| LDM \| StableSR \| coser-mini \|",
            cli.Out
        );
        Assert.Contains(
            "- Real-ESRGAN+: no figures; it wants RealESRGAN_x4plus.pth in",
            cli.Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_recipe_of_configurations_is_measured_row_by_row_and_goes_on_where_it_was()
    {
        using var set = new SmallSet();
        using var cli = new CliHarness();
        SmallCoser.Write(Path.Combine(cli.Folder, "small"));
        string recipe = Path.Combine(cli.Folder, "recipe.json");
        File.WriteAllText(
            recipe,
            """
            {
              "common": { "model": "small", "steps": 2, "reference": "none" },
              "groups": [
                {
                  "title": "cognition", "metrics": ["psnr_y", "fid"],
                  "rows": [ { "name": "with" }, { "name": "without", "cognition": false } ]
                },
                {
                  "title": "reference", "metrics": ["haarpsi"],
                  "rows": [ { "name": "none" }, { "name": "own", "reference": "photo.png" } ]
                }
              ]
            }
            """
        );
        File.Copy(Path.Combine(set.Hr, "image0.png"), Path.Combine(cli.Folder, "photo.png"));
        string[] run =
        [
            "eval",
            "ablation",
            "--recipe",
            recipe,
            "--lr",
            set.Lr,
            "--hr",
            set.Hr,
            "--limit",
            "2",
            "--precision",
            "fp32",
            "-o",
            set.Output,
        ];
        Assert.Equal(0, cli.Run(run));
        Assert.Contains("| cognition | PSNR Y ↑ | FID |", cli.Out, StringComparison.Ordinal);
        Assert.Matches(@"\| (\*\*|<u>)?\d.* \| – \|", Line("| without |"));
        Assert.Contains("| | with | without | own |", cli.Out, StringComparison.Ordinal);
        Assert.Contains("reference None no cognition", Line("- without:"), StringComparison.Ordinal);
        Assert.Matches("reference photo.png [0-9a-f]{16}", Line("- own:"));
        string log = Path.Combine(set.Output, "results.jsonl");
        string first = File.ReadAllText(log);
        // Rows differ in what they are about, so their images do.
        Assert.Equal(
            6,
            Directory
                .GetFiles(Path.Combine(set.Output, "images"), "image*.png", SearchOption.AllDirectories)
                .DistinctBy(f => Convert.ToHexString(File.ReadAllBytes(f)))
                .Count()
        );
        Assert.Contains(
            "<h2>Ablation</h2>",
            File.ReadAllText(Path.Combine(set.Output, "report.html")),
            StringComparison.Ordinal
        );
        Assert.Equal(0, cli.Run(run));
        Assert.Equal(first, File.ReadAllText(log));
        // Another reference photo under its old name is noticed.
        File.Copy(Path.Combine(set.Hr, "image1.png"), Path.Combine(cli.Folder, "photo.png"), overwrite: true);
        Assert.Equal(0, cli.Run(run));
        Assert.Equal(1 + 6 + 2, File.ReadAllLines(log).Length);

        string Line(string start) => cli.OutLines.Single(l => l.StartsWith(start, StringComparison.Ordinal));
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

    // The same numbers every time: a random start may end in one colour, which is refused.
    private static void Fill(TorchSharp.torch.nn.Module network) =>
        HashFill.Fill(
            network,
            JsonSerializer.SerializeToElement(
                new
                {
                    seed = 3,
                    gain = 1.0,
                    overrides = Array.Empty<string>(),
                }
            ),
            ""
        );
}
