using System.Text.Json;
using Coser.Cli;
using Coser.Client.Contract;
using Coser.Server.Access;

namespace Coser.Tests.Cli;

/// <summary><c>coser serve</c> without serving: keys, and what is refused before anything starts.</summary>
public sealed class ServeCommandTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void Keys_are_made_listed_and_removed_and_only_their_hashes_kept()
    {
        Assert.Equal(ExitCode.Success, Keys("add", "anna", "--role", "admin"));
        string key = _cli.Out.Trim();
        Assert.StartsWith("coser_", key, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, Keys("add", "bert"));
        string file = File.ReadAllText(_cli.Full("keys.json"));
        Assert.DoesNotContain(key[6..], file, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_cli.Full("keys.json")));
        KeyRing ring = KeyRing.Open(_cli.Full("keys.json"));
        Assert.Equal(("anna", RoleName.Admin), (ring.Find(key)!.Name, ring.Find(key)!.Role));
        Assert.Null(ring.Find(key + "x"));
        Assert.Null(ring.Find(""));

        Assert.Equal(ExitCode.Success, Keys("list", "--json"));
        JsonElement list = JsonDocument.Parse(_cli.Out).RootElement;
        Assert.Equal(["admin", "user"], list.EnumerateArray().Select(k => k.GetProperty("role").GetString()!));
        Assert.DoesNotContain("ash", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, Keys("add", "anna"));
        Assert.Contains("there is a key of this name", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, Keys("add", "an na"));
        Assert.Equal(ExitCode.Usage, Keys("add", "carl", "--role", "king"));
        Assert.Contains("--role must be reader, user or admin", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, Keys("remove", "anna"));
        Assert.Equal(ExitCode.Usage, Keys("remove", "anna"));
        Assert.Equal(ExitCode.Success, Keys("list"));
        Assert.StartsWith("bert  user  ", _cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_keys_that_is_none_is_refused()
    {
        File.WriteAllText(
            _cli.Full("keys.json"),
            "[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"\",\"created\":\"2026-01-01\"}]"
        );
        Assert.Equal(ExitCode.Failed, Keys("list"));
        Assert.Contains("the keys cannot be read", _cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--port 70000", "--port must be from 0 to 65535")]
    [InlineData("--listen example.org", "--listen must be an address")]
    [InlineData("--max-pixels 0", "--max-pixels must be at least 1")]
    [InlineData("--max-upload 0", "--max-upload must be above 0")]
    [InlineData("--device tpu", "--device must be")]
    public void Wrong_options_are_told_in_one_line(string options, string message)
    {
        Assert.Equal(ExitCode.Usage, _cli.Run(["serve", .. options.Split(' '), "--database", "jobs.db"]));
        Assert.Contains(message, _cli.Error, StringComparison.Ordinal);
        Assert.Empty(_cli.Out);
    }

    [Fact]
    public void Others_are_not_let_in_without_keys()
    {
        Assert.Equal(
            ExitCode.Failed,
            _cli.Run("serve", "--listen", "0.0.0.0", "--port", "0", "--database", "jobs.db", "--keys", "keys.json")
        );
        Assert.Contains("coser: 0.0.0.0: ", _cli.Error, StringComparison.Ordinal);
        Assert.Contains("coser serve keys add NAME --role admin", _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_explains_every_option()
    {
        Assert.Equal(ExitCode.Success, _cli.Run("serve", "--help"));
        Assert.Contains("Usage:\n  coser serve [options]", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("[default: 5210]", _cli.Out, StringComparison.Ordinal);
        Assert.All(_cli.OutLines, l => Assert.True(l.Length <= 96, l));
        Assert.DoesNotContain("--page", _cli.Out, StringComparison.Ordinal);
    }

    private int Keys(params string[] arguments) => _cli.Run(["serve", "keys", .. arguments, "--keys", "keys.json"]);
}
