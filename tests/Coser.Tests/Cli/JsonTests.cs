using System.Text.Json;
using Coser.Cli;

namespace Coser.Tests.Cli;

/// <summary>--json: every line of standard output is one event.</summary>
public sealed class JsonTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void A_run_is_a_start_an_event_for_each_photo_and_a_summary()
    {
        _cli.Restorer.Model = _cli.Restorer.Model with { IsPreSrOnly = true };
        _cli.Photo("in/a.jpg");
        _cli.Run("upscale", "in");
        _cli.Photo("in/b ü.jpg");
        _cli.Photo("in/c.jpg", "bad");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "in", "--json"));

        IReadOnlyList<JsonElement> events = _cli.Events;
        Assert.Equal(
            ["start", "skipped", "progress", "progress", "done", "progress", "failed", "summary"],
            events.Select(Kind)
        );
        JsonElement start = events[0];
        Assert.True(start.GetProperty("preSrOnly").GetBoolean());
        Assert.Equal(3, start.GetProperty("files").GetInt32());
        Assert.Equal("hash-1", start.GetProperty("modelHash").GetString());
        JsonElement done = events[4];
        Assert.Equal("in/b ü.jpg", done.GetProperty("input").GetString());
        Assert.Equal("in/b ü.x4.jpg", done.GetProperty("output").GetString());
        Assert.Equal((40, 80), (done.GetProperty("width").GetInt32(), done.GetProperty("height").GetInt32()));
        Assert.Equal(new FileInfo(_cli.Full("in/b ü.x4.jpg")).Length, done.GetProperty("bytes").GetInt64());
        Assert.Equal("pre-SR", done.GetProperty("stages")[0].GetProperty("stage").GetString());
        Assert.Equal("this is not an image. Convert it first.", events[6].GetProperty("reason").GetString());
        JsonElement summary = events[7];
        string[] counts = ["files", "done", "skipped", "failed", "notTried", "exitCode"];
        Assert.Equal([3, 1, 1, 1, 0, 1], counts.Select(c => summary.GetProperty(c).GetInt32()));
        Assert.Contains("coser: in/c.jpg: this is not an image.", _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_run_still_ends_with_its_summary()
    {
        _cli.Photo("a.jpg", "cancel");
        Assert.Equal(ExitCode.Cancelled, _cli.Run("upscale", "a.jpg", "--json"));
        JsonElement summary = _cli.Events[^1];
        Assert.True(summary.GetProperty("cancelled").GetBoolean());
        Assert.Equal(ExitCode.Cancelled, summary.GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public void Wrong_usage_prints_nothing_on_standard_output()
    {
        Directory.CreateDirectory(_cli.Full("empty"));
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "empty", "--json"));
        Assert.Empty(_cli.Out);
    }

    private static string? Kind(JsonElement e) => e.GetProperty("event").GetString();
}
