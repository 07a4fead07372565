using Coser.Cli;

namespace Coser.Tests.Cli;

/// <summary>Help, and what is said to a command line that makes no sense.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("upscal photo.jpg", "Unknown command 'upscal'. Did you mean 'upscale'?")]
    [InlineData("photo.jpg", "Did you mean 'coser upscale photo.jpg'?")]
    [InlineData("upscale", "photos")]
    [InlineData("upscale a.jpg --overwite", "Unknown option '--overwite'. Did you mean '--overwrite'?")]
    [InlineData("upscale a.jpg --qzx", "Unknown option '--qzx'.")]
    [InlineData("upscale a.jpg --scale 5", "--scale must be a number above 0 and at most 4, not '5'.")]
    [InlineData("upscale a.jpg --scale 0", "--scale")]
    [InlineData("upscale a.jpg --scale nan", "--scale")]
    [InlineData("upscale a.jpg --scale 0,5", "--scale")]
    [InlineData("upscale a.jpg --scale", "--scale")]
    [InlineData("upscale a.jpg --quality 101", "--quality must be from 1 to 100")]
    [InlineData("upscale a.jpg --tile -1", "--tile")]
    [InlineData("upscale a.jpg --threads 0", "--threads must be at least 1")]
    [InlineData("upscale a.jpg --precision fp16", "--precision must be auto, fp32 or bf16, not 'fp16'.")]
    [InlineData("upscale a.jpg --device 1", "--device must be auto, cpu or cuda")]
    [InlineData("upscale a.jpg --format bmp", "--format bmp is unknown")]
    [InlineData("models lst", "Did you mean 'list'?")]
    [InlineData("models info", "model|file")]
    [InlineData("doctor now", "Unknown argument 'now'.")]
    [InlineData("completion tcsh", "tcsh")]
    public void Wrong_usage_is_one_sentence_a_hint_and_exit_code_2(string line, string message)
    {
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Usage, _cli.Run(line.Split(' ')));
        string[] lines = _cli.Error.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("coser: ", lines[0], StringComparison.Ordinal);
        Assert.Contains(message, lines[0], StringComparison.Ordinal);
        Assert.Matches("^Try 'coser.* --help'.$", lines[1]);
        Assert.Empty(_cli.Out);
        Assert.Equal(["a.jpg"], _cli.Files());
    }

    [Fact]
    public void After_two_dashes_everything_is_a_file_name()
    {
        _cli.Photo("--odd.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "--", "--odd.jpg"));
        Assert.True(_cli.Exists("--odd.x4.jpg"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("models")]
    public void A_command_that_only_holds_others_shows_its_help_as_an_error(string line)
    {
        Assert.Equal(ExitCode.Usage, _cli.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Contains("Commands:", _cli.Error, StringComparison.Ordinal);
        Assert.Empty(_cli.Out);
    }

    [Theory]
    [InlineData("--help", "Usage:\n  coser <command> [options]", "coser upscale photo.jpg")]
    [InlineData("upscale -h", "Usage:\n  coser upscale <photos>... [options]", "[default: coser-mini]")]
    [InlineData("upscale --help", "--precision <auto|fp32|bf16>", "[default: 42]")]
    [InlineData("upscale nonsense --bogus --help", "Examples:", "Machine:")]
    [InlineData("models info --help", "Usage:\n  coser models info <model|file|folder>", "--json")]
    public void Help_shows_usage_defaults_and_examples(string line, string first, string second)
    {
        Assert.Equal(ExitCode.Success, _cli.Run(line.Split(' ')));
        Assert.Contains(first, _cli.Out, StringComparison.Ordinal);
        Assert.Contains(second, _cli.Out, StringComparison.Ordinal);
        Assert.All(_cli.OutLines, l => Assert.True(l.Length <= 96, l));
        Assert.All(_cli.OutLines, l => Assert.Equal(l.TrimEnd(), l));
        Assert.Empty(_cli.Error);
    }

    [Fact]
    public void Every_option_of_upscale_is_explained()
    {
        _cli.Run("upscale", "--help");
        string[] options = [.. _cli.OutLines.Where(l => l.TrimStart().StartsWith('-'))];
        Assert.Equal(27, options.Length);
        Assert.All(options, l => Assert.Matches(@"^  (-\w, |    )--[\w-]+( <[^>]+>)? {2,}[A-Z]", l));
    }

    [Fact]
    public void Version_names_the_commit()
    {
        Assert.Equal(ExitCode.Success, _cli.Run("--version"));
        Assert.Matches(@"^coser \d+\.\d+\.\d+(-\S+)?( \(commit [0-9a-f]{40}\))?\n$", _cli.Out);
        bool checkout = Path.Exists(Path.Combine(Fixtures.FixtureTests.Root, "..", "..", ".git"));
        if (checkout && BuildInfo.Commit is null)
            Assert.Fail("built in a git checkout, but without the commit");
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _coser coser")]
    [InlineData("zsh", "compdef _coser coser")]
    [InlineData("fish", "complete -c coser")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public void Completion_scripts_ask_the_command_itself(string shell, string line)
    {
        Assert.Equal(ExitCode.Success, _cli.Run("completion", shell));
        Assert.Contains(line, _cli.Out, StringComparison.Ordinal);
        Assert.Contains("[suggest:", _cli.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("coser ups", "upscale")]
    [InlineData("coser upscale --over", "--overwrite")]
    [InlineData("coser upscale a.jpg --precision b", "bf16")]
    [InlineData("coser models ", "info")]
    public void What_the_scripts_ask_is_answered(string line, string candidate)
    {
        Assert.Equal(ExitCode.Success, _cli.Run($"[suggest:{line.Length}]", line.TrimEnd()));
        Assert.Contains(candidate, _cli.OutLines);
    }
}
