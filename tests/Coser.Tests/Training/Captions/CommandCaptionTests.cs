using Coser.Training.Captions;
using Coser.Training.Data;

namespace Coser.Tests.Training.Captions;

/// <summary>Real programs: /bin/sh stands for the user's own.</summary>
public sealed class CommandCaptionTests : IDisposable
{
    private static readonly PhotoEntry Photo = new("birds/a.png", "", "test", "train");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_are_captions_and_the_path_is_one_argument()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs are shell scripts");
        string script = Script("""echo "first of $# arguments"; echo; echo "  $1 $2 "; echo third; echo fourth""");
        string path = $"a photo; touch {_folder.File("harm")} $(touch {_folder.File("harm")}).png";
        IReadOnlyList<string> captions = Describe($"{script} 'two words'", path);
        Assert.Equal(["first of 2 arguments", $"two words {path}", "third"], captions);
        Assert.False(File.Exists(_folder.File("harm")));
    }

    [Theory]
    [InlineData("echo before; echo 'no GPU here' >&2; exit 3", "ended with code 3: no GPU here")]
    [InlineData("exit 0", "printed no caption")]
    public void Failures_name_the_photo_and_the_reason(string body, string reason)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs are shell scripts");
        var failed = Assert.Throws<CaptionException>(() => Describe(Script(body), "x.png"));
        Assert.StartsWith("birds/a.png: ", failed.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failed.Message);
    }

    [Fact]
    public void A_program_that_hangs_is_ended_with_its_children()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs are shell scripts");
        string script = Script($"sleep 30 & echo $! > {_folder.File("child")}; wait");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var failed = Assert.Throws<CaptionException>(() =>
            new CommandCaptions(script, 3, TimeSpan.FromSeconds(1)).Describe("x.png", Photo, default)
        );
        Assert.Contains("longer than 1 s", failed.Message, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
        int child = int.Parse(File.ReadAllText(_folder.File("child")).Trim());
        Assert.True(SpinWait.SpinUntil(() => !IsRunning(child), TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public void A_program_that_is_not_there_is_said()
    {
        var failed = Assert.Throws<CaptionException>(() => Describe(_folder.File("none"), "x.png"));
        Assert.Contains("cannot be started", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_is_no_failure_of_the_photo()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs are shell scripts");
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var source = new CommandCaptions(Script("sleep 30"), 3, TimeSpan.FromMinutes(1));
        Assert.ThrowsAny<OperationCanceledException>(() => source.Describe("x.png", Photo, cancel.Token));
    }

    [Theory]
    [InlineData("a  b\tc", "a|b|c")]
    [InlineData("run 'two words' \"it's\" x\"y z\"", "run|two words|it's|xy z")]
    [InlineData("run ''", "run|")]
    public void Commands_are_cut_into_words(string command, string words) =>
        Assert.Equal(words.Split('|'), CommandCaptions.Split(command));

    [Theory]
    [InlineData("")]
    [InlineData("run 'open")]
    public void Bad_commands_are_refused(string command) =>
        Assert.Throws<ArgumentException>(() => new CommandCaptions(command, 3, TimeSpan.FromSeconds(1)));

    private static IReadOnlyList<string> Describe(string command, string path) =>
        new CommandCaptions(command, 3, TimeSpan.FromSeconds(30)).Describe(path, Photo, CancellationToken.None);

    // A process that has ended may stay as a zombie until it is waited for.
    private static bool IsRunning(int id)
    {
        string status = $"/proc/{id}/stat";
        try
        {
            return File.Exists(status) && !File.ReadAllText(status).Contains(") Z", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private string Script(string body)
    {
        string path = _folder.File($"describe{Guid.NewGuid():n}.sh");
        File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
        return "/bin/sh " + path;
    }
}
