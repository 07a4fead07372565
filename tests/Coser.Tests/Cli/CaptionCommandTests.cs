using Coser.Cli;
using Coser.Tests.Training;
using Coser.Tests.Training.Captions;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Clip;
using Coser.Training.Runs;

namespace Coser.Tests.Cli;

/// <summary>From photos to captions, a vocabulary and a CLIP pair, by commands alone.</summary>
[Collection(ProcessWide.Name)] // training starts from the global generator
public sealed class CaptionCommandTests : IDisposable
{
    private const string Recipe = """
        {
          "network": {
            "embed_dim": 8,
            "vision_cfg": { "image_size": 16, "patch_size": 8, "layers": 1, "width": 16, "head_width": 8 },
            "text_cfg": { "context_length": 16, "vocab_size": 530, "width": 16, "heads": 2, "layers": 2 }
          },
          "degraded_share": 0,
          "training": { "batch": 2, "steps": 2, "log_every": 1, "validate_every": 2, "bf16": false }
        }
        """;

    private readonly CliHarness _cli = new() { Real = true };

    public CaptionCommandTests() => SmallDataSet.Write(_cli.Full("data"));

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void Photos_become_captions_a_vocabulary_and_a_model()
    {
        Assert.Equal(ExitCode.Success, Captions());
        Assert.Contains("6 photos described, 18 captions", _cli.Out, StringComparison.Ordinal);
        string first = File.ReadAllText(_cli.Full("data/captions.jsonl"));
        Assert.Equal(ExitCode.Success, Captions());
        Assert.Contains("6 photos were there already", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(first, File.ReadAllText(_cli.Full("data/captions.jsonl")));

        Assert.Equal(ExitCode.Success, Vocabulary("530"));
        Assert.Contains("530 tokens", _cli.Out, StringComparison.Ordinal);
        ClipTokenizer tokenizer = ClipTokenizer.Open(_cli.Full("data/tokenizer"));
        foreach (string caption in CaptionIndex.Open(_cli.Full("data/captions.jsonl")).All)
            Assert.Equal(
                string.Join(' ', ClipTokenizer.Words(caption)),
                tokenizer.Decode(tokenizer.Encode(caption)).Trim()
            );

        File.WriteAllText(_cli.Full("recipe.json"), Recipe);
        Assert.Equal(
            ExitCode.Success,
            _cli.Run([
                .. new[] { "train", "clip", "--recipe", _cli.Full("recipe.json"), "--data", _cli.Full("data") },
                .. new[] { "--run", _cli.Full("run") },
            ])
        );
        Assert.Contains("text_recall1", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, _cli.Run("train", "export", "--run", _cli.Full("run"), "-o", _cli.Full("mine")));
        Assert.Equal(
            File.ReadAllBytes(_cli.Full("data/tokenizer/merges.txt")),
            File.ReadAllBytes(_cli.Full("mine/tokenizer/merges.txt"))
        );

        // Nothing is as close as 1: the filter drops all and counts it.
        File.Delete(_cli.Full("data/captions.jsonl"));
        Assert.Equal(ExitCode.Success, Captions("--clip", _cli.Full("mine"), "--min-score", "1"));
        Assert.Contains("18 dropped below 1", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, Vocabulary("530"));
        Assert.Contains("it holds no caption", _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_describes_photos_and_its_failures_are_told()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the program is a shell script");
        File.WriteAllText(
            _cli.Full("describe.sh"),
            """case "$1" in */3.png) echo "too foggy" >&2; exit 4;; esac; echo "seen $1"; echo two; echo three"""
        );
        Assert.Equal(ExitCode.Failed, Captions("--command", $"/bin/sh {_cli.Full("describe.sh")}"));
        Assert.Contains("coser: 3.png: /bin/sh ended with code 4: too foggy", _cli.Error, StringComparison.Ordinal);
        Assert.Contains("5 photos described, 15 captions, 1 failed", _cli.Out, StringComparison.Ordinal);
        CaptionIndex index = CaptionIndex.Open(_cli.Full("data/captions.jsonl"));
        Assert.Equal($"seen {_cli.Full("data/photos/2.png")}", index["2.png"][0]);
        Assert.Empty(index["3.png"]);
    }

    [Fact]
    public void An_endpoint_describes_photos()
    {
        using var server = new FakeEndpoint([.. Enumerable.Repeat(FakeEndpoint.Says("one\ntwo"), 6)]);
        Assert.Equal(
            ExitCode.Success,
            Captions("--endpoint", server.Address.ToString(), "--endpoint-model", "m", "--per-photo", "2")
        );
        Assert.Contains("6 photos described, 12 captions", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(6, server.Requests.Count);
    }

    [Theory]
    [InlineData("--per-photo 0", "from 1 to 20")]
    [InlineData("--command a --endpoint http://x", "exclude each other")]
    [InlineData("--endpoint http://x", "--endpoint-model")]
    [InlineData("--endpoint ftp://x --endpoint-model m", "--endpoint wants an address")]
    [InlineData("--min-score 0.3", "--clip")]
    [InlineData("--command '", "not closed")]
    public void Wrong_usage_is_told_in_one_line(string options, string reason)
    {
        Assert.Equal(ExitCode.Usage, Captions(options.Split(' ')));
        Assert.Contains(reason, _cli.Error, StringComparison.Ordinal);
        Assert.False(_cli.Exists("data/captions.jsonl"));
    }

    [Fact]
    public void A_vocabulary_needs_captions_and_a_sound_size()
    {
        Assert.Equal(ExitCode.Failed, Vocabulary("530"));
        Assert.Contains("coser dataset captions", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, Vocabulary("100"));
    }

    [Fact]
    public void The_shipped_recipe_is_sound_and_small()
    {
        var recipe = TrainingRecipe.Read<ClipRecipe>(
            Path.Combine(Repository.Root, "recipes", "coser-mini", "clip.json")
        );
        using var network = new Coser.Networks.Clip.ClipModel(recipe.Network, TorchSharp.torch.META);
        Assert.InRange(network.parameters().Sum(p => p.numel()), 3_000_000, 4_000_000);
        Assert.Equal(0.8, recipe.Degradation.FinalSincProbability);
    }

    private int Captions(params string[] more) =>
        _cli.Run([
            .. new[] { "dataset", "captions", "--data", _cli.Full("data"), "-o", _cli.Full("data/captions.jsonl") },
            .. more,
        ]);

    private int Vocabulary(string size) =>
        _cli.Run([
            .. new[] { "dataset", "vocabulary", "--captions", _cli.Full("data/captions.jsonl"), "--size", size },
            .. new[] { "-o", _cli.Full("data/tokenizer") },
        ]);
}
