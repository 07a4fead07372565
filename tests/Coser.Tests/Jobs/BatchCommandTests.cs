using System.Text.Json;
using Coser.Cli;
using Coser.Tests.Cli;

namespace Coser.Tests.Jobs;

/// <summary><c>coser batch</c> in process, on a SQLite file.</summary>
public sealed class BatchCommandTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void A_folder_is_submitted_watched_paused_cancelled_and_retried()
    {
        _cli.Photo("in/a.jpg");
        _cli.Photo("in/deep/b.png");
        _cli.Photo("in/notes.txt");
        Assert.Equal(ExitCode.Success, Run("submit", "in", "-o", "out", "--seed", "7", "--json"));
        JsonElement made = JsonDocument.Parse(_cli.Out).RootElement;
        string batch = made.GetProperty("batch").GetString()!;
        Assert.Equal(2, made.GetProperty("entries").GetInt64());

        Assert.Equal(ExitCode.Success, Run("status"));
        Assert.Contains($"{batch[..8]}  in  2  0  0  2  0  open", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, Run("pause", batch[..6]));
        Assert.Contains("2 paused", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, Run("status", batch, "--json"));
        JsonElement status = JsonDocument.Parse(_cli.Out).RootElement.GetProperty("batch");
        Assert.Equal("paused", status.GetProperty("state").GetString());
        Assert.Equal(2, status.GetProperty("states").GetProperty("paused").GetInt64());
        Run("resume", batch);
        Assert.Contains("2 resumed", _cli.Out, StringComparison.Ordinal);
        Run("cancel", batch);
        Assert.Contains("2 cancelled", _cli.Out, StringComparison.Ordinal);
        Run("retry", batch);
        Assert.Contains("0 tried anew", _cli.Out, StringComparison.Ordinal);
        Run("retry", batch, "--cancelled", "--json");
        Assert.Equal(2, JsonDocument.Parse(_cli.Out).RootElement.GetProperty("changed").GetInt32());
    }

    [Fact]
    public void A_list_is_read_line_by_line_and_what_is_missing_is_named()
    {
        _cli.Photo("a.jpg");
        _cli.Photo("b.jpg");
        File.WriteAllText(_cli.Full("list"), "a.jpg\nmissing.jpg\n\nb.jpg\na.jpg\n");
        Assert.Equal(ExitCode.Failed, Run("submit", "--manifest", "list", "--key", "k", "--in-place"));
        Assert.Contains(": 2 photos", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("coser: missing.jpg: there is no such file.", _cli.Error, StringComparison.Ordinal);
        File.WriteAllText(_cli.Full("list"), "b.jpg\n");
        Assert.Equal(ExitCode.Success, Run("submit", "--manifest", "list", "--key", "k", "--in-place"));
        Assert.Contains(": 2 photos", _cli.Out, StringComparison.Ordinal); // the same batch, nothing new
    }

    [Fact]
    public void Files_of_others_are_not_replaced_unasked()
    {
        _cli.Photo("in/a.jpg");
        _cli.Photo("in/b.jpg");
        _cli.Photo("out/b.x4.jpg");
        Assert.Equal(ExitCode.Failed, Run("submit", "in", "-o", "out", "--json"));
        Assert.Equal(1, JsonDocument.Parse(_cli.Out).RootElement.GetProperty("entries").GetInt64());
        Assert.Contains("b.x4.jpg exists and was not made by coser", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, Run("submit", "in", "-o", "out", "--overwrite", "--json"));
        Assert.Equal(2, JsonDocument.Parse(_cli.Out).RootElement.GetProperty("entries").GetInt64());
    }

    [Fact]
    public void Two_photos_that_would_become_one_file_are_told_and_one_found_twice_is_not()
    {
        _cli.Photo("in/a/same.jpg");
        _cli.Photo("in/b/same.jpg");
        File.WriteAllText(
            _cli.Full("list"),
            $"{_cli.Full("in/a/same.jpg")}\n{_cli.Full("in/b/same.jpg")}\n{_cli.Full("in/a/../a/same.jpg")}\n"
        );
        Assert.Equal(ExitCode.Failed, Run("submit", "--manifest", "list", "-o", "out", "--key", "k"));
        Assert.Contains(": 1 photos", _cli.Out, StringComparison.Ordinal);
        string line = Assert.Single(_cli.Error.TrimEnd().Split('\n'));
        Assert.StartsWith($"coser: {_cli.Full("in/b/same.jpg")}: ", line, StringComparison.Ordinal);
        Assert.Contains($"is the result of {_cli.Full("in/a/same.jpg")} already", line, StringComparison.Ordinal);
        File.WriteAllText(_cli.Full("list"), $"{_cli.Full("in/a/same.jpg")}\n");
        Assert.Equal(ExitCode.Success, Run("submit", "--manifest", "list", "-o", "out", "--key", "k"));
        Assert.Empty(_cli.Error);
    }

    [Fact]
    public void Mistakes_are_told_in_one_line()
    {
        Assert.Equal(ExitCode.Usage, Run("submit"));
        Assert.Contains("nothing to submit", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, Run("cancel", "nonsense"));
        Assert.Contains("There is no batch 'nonsense'", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, _cli.Run("batch", "submit", "a.jpg", "--database", "postgres://u:secret@h/d"));
        Assert.Contains("--store is missing", _cli.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, _cli.Run("batch", "status", "--database", "mysql://u:secret@h/d"));
        Assert.Contains("no address of a database", _cli.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, _cli.Run("worker", "--queue", "tpu"));
    }

    private int Run(params string[] arguments) =>
        _cli.Run(["batch", .. arguments, "--database", "jobs.db", .. Store(arguments)]);

    private static string[] Store(string[] arguments) => arguments[0] == "submit" ? ["--store", "store"] : [];
}
