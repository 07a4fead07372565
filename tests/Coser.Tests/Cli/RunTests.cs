using Coser.Cli;
using Coser.Engine;
using Coser.Imaging;

namespace Coser.Tests.Cli;

/// <summary>How a run goes when something goes wrong, and what it says.</summary>
public sealed class RunTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void A_finished_photo_is_one_plain_line_in_a_pipe()
    {
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg"));
        Assert.Matches(@"^a\.jpg -> a\.x4\.jpg  40x80  \d+\.\d s\n$", _cli.Out);
        Assert.Equal("coser: a.jpg: note: CMYK became sRGB\n", _cli.Error);
    }

    [Theory]
    [InlineData("bad", "this is not an image. Convert it first.")]
    [InlineData("memory", "there is not enough memory. Try a smaller --tile")]
    [InlineData("native", "the engine failed: shape [1, 2] is invalid")]
    [InlineData("bug", "unexpected InvalidOperationException: a mistake in two lines. Run with --verbose")]
    public void One_bad_photo_does_not_stop_the_others(string content, string reason)
    {
        _cli.Photo("in/a.jpg");
        _cli.Photo("in/b.jpg", content);
        _cli.Photo("in/c.jpg");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "in"));
        Assert.Equal(["a.jpg", "c.jpg"], _cli.Restorer.Restored);
        string[] lines = _cli.Error.Split('\n');
        Assert.Single(lines, l => l.StartsWith("coser: in/b.jpg: " + reason, StringComparison.Ordinal));
        Assert.Contains("coser: 1 of 3 failed:", lines);
        Assert.Contains("2 restored, 1 failed", _cli.OutLines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", _cli.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("frame #0", _cli.Error, StringComparison.Ordinal);
        Assert.False(_cli.Exists("in/b.x4.jpg"));
    }

    [Fact]
    public void Verbose_adds_the_stack_trace()
    {
        _cli.Photo("a.jpg", "bug");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "a.jpg", "--verbose"));
        Assert.Contains("   at Coser.", _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_engine_ends_the_run_with_the_first_photo()
    {
        _cli.Photo("in/a.jpg", "engine");
        _cli.Photo("in/b.jpg");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "in"));
        Assert.Single(_cli.Restorer.Jobs);
        Assert.Contains("1 failed, 1 not tried", _cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_leaves_what_is_finished_and_nothing_else()
    {
        _cli.Photo("in/a.jpg");
        _cli.Photo("in/b/b.jpg", "cancel");
        _cli.Photo("in/c.jpg");
        Assert.Equal(ExitCode.Cancelled, _cli.Run("upscale", "in", "-r", "-o", "out"));
        Assert.Equal(["in/a.jpg", "in/b/b.jpg", "in/c.jpg", "out/a.x4.jpg", "out/c.x4.jpg"], _cli.Files());
        Assert.False(Directory.Exists(_cli.Full("out/b")));
        Assert.Contains("cancelled: 2 restored, 1 not tried", _cli.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("coser: in/b", _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_the_first_photo_leaves_no_output_folder()
    {
        _cli.Photo("a.jpg", "cancel");
        Assert.Equal(ExitCode.Cancelled, _cli.Run("upscale", "a.jpg", "-o", "new/er/"));
        Assert.False(Directory.Exists(_cli.Full("new")));
    }

    [Fact]
    public void The_options_reach_the_restorer()
    {
        _cli.Photo("a.jpg");
        string line =
            "upscale a.jpg --scale 2.5 --seed -7 --tile 96 --quality 77 --format webp --threads 3 --max-pixels 99";
        Assert.Equal(
            ExitCode.Success,
            _cli.Run([.. line.Split(' '), "--model", "other", "--device", "CPU", "--precision", "bf16"])
        );
        var job = Assert.Single(_cli.Restorer.Jobs);
        Assert.Equal((2.5, -7L, 96), (job.Options.Scale, job.Options.Seed, job.Options.Tile));
        Assert.Equal((77, PhotoFormat.WebP), (job.Save.Quality, job.Save.Format));
        Assert.Equal(new("other", DeviceChoice.Cpu, Precision.Bf16, Threads: 3, MaxPixels: 99), _cli.Restorer.Request);
    }

    [Fact]
    public void A_pre_sr_only_model_says_so_once()
    {
        _cli.Restorer.Model = _cli.Restorer.Model with { IsPreSrOnly = true };
        _cli.Photo("in/a.jpg");
        _cli.Photo("in/b.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in"));
        Assert.Single(_cli.Error.Split('\n'), l => l.Contains("pre-SR only", StringComparison.Ordinal));
    }

    [Fact]
    public void On_a_terminal_finished_photos_stand_above_the_bars_and_failures_at_the_end()
    {
        using var cli = new CliHarness { Live = true };
        cli.Console.Profile.Capabilities.Interactive = true;
        cli.Photo("in/a[1].jpg"); // brackets are markup to the console
        cli.Photo("in/b.jpg", "bad");
        Assert.Equal(ExitCode.Failed, cli.Run("upscale", "in"));
        Assert.Contains("✓ in/a[1].jpg -> in/a[1].x4.jpg  40x80", cli.Console.Output, StringComparison.Ordinal);
        Assert.Contains("✗ in/b.jpg: this is not an image.", cli.Console.Output, StringComparison.Ordinal);
        Assert.Contains("  in/b.jpg: this is not an image. Convert it first.", cli.Error, StringComparison.Ordinal);
    }
}
