using Coser.Cli;

namespace Coser.Tests.Cli;

/// <summary>Which files the arguments stand for.</summary>
public sealed class InputTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void A_folder_gives_its_photos_and_ignores_everything_else()
    {
        _cli.Photo("in/b.JPG");
        _cli.Photo("in/a.png");
        _cli.Photo("in/notes.txt");
        _cli.Photo("in/.hidden.jpg");
        _cli.Photo("in/sub/c.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in"));
        Assert.Equal(["a.png", "b.JPG"], _cli.Restorer.Restored);
    }

    [Fact]
    public void Recursive_keeps_the_structure_below_each_folder_in_the_output()
    {
        _cli.Photo("in/a.jpg");
        _cli.Photo("in/x/y/b.jpg");
        _cli.Photo("other/x/c.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in", "other", "-r", "-o", "out"));
        Assert.True(_cli.Exists("out/a.x4.jpg"));
        Assert.True(_cli.Exists("out/x/y/b.x4.jpg"));
        Assert.True(_cli.Exists("out/x/c.x4.jpg"));
    }

    [Fact]
    public void Recursive_without_output_writes_beside_each_input()
    {
        _cli.Photo("in/x/b.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in", "-r"));
        Assert.True(_cli.Exists("in/x/b.x4.jpg"));
    }

    [Theory]
    [InlineData("*.jpg", "a.jpg", "b.jpg")]
    [InlineData("?.jpg", "a.jpg", "b.jpg")]
    [InlineData("x/**/*.jpg", "c.jpg", "d.jpg")]
    [InlineData("**/d.*", "d.jpg")]
    [InlineData("x/*/d.jpg", "d.jpg")]
    [InlineData("./x/../[ab]*", "[ab]1.jpg")]
    public void Globs_are_expanded_when_the_shell_did_not(string glob, params string[] expected)
    {
        _cli.Photo("a.jpg");
        _cli.Photo("b.jpg");
        _cli.Photo("[ab]1.jpg");
        File.Move(
            _cli.Full("[ab]1.jpg"),
            _cli.Full(glob.Contains('[', StringComparison.Ordinal) ? "[ab]1.jpg" : "e.png")
        );
        _cli.Photo("x/c.jpg");
        _cli.Photo("x/y/d.jpg");
        _cli.Photo("x/y/d.txt");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", glob));
        Assert.Equal(expected, _cli.Restorer.Restored);
    }

    [Fact]
    public void A_glob_keeps_the_structure_below_its_fixed_part()
    {
        _cli.Photo("in/raw/x/a.jpg");
        _cli.Photo("in/raw/y/a.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in/raw/**/*.jpg", "-o", "out"));
        Assert.True(_cli.Exists("out/x/a.x4.jpg"));
        Assert.True(_cli.Exists("out/y/a.x4.jpg"));
    }

    [Fact]
    public void A_file_whose_name_looks_like_a_glob_is_that_file()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "such names cannot exist there");
        _cli.Photo("a*.jpg");
        _cli.Photo("ab.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a*.jpg"));
        Assert.Equal(["a*.jpg"], _cli.Restorer.Restored);
    }

    [Fact]
    public void A_named_file_is_tried_whatever_its_extension()
    {
        _cli.Photo("picture.gif");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "picture.gif"));
        Assert.True(_cli.Exists("picture.x4.png"));
    }

    [Fact]
    public void A_photo_given_twice_is_restored_once()
    {
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg", "./a.jpg", ".", "*.jpg"));
        Assert.Equal(["a.jpg"], _cli.Restorer.Restored);
    }

    [Fact]
    public void Results_of_earlier_runs_in_a_folder_are_not_inputs()
    {
        _cli.Photo("in/a.jpg");
        _cli.Photo("in/mine.x4.jpg"); // named like a result, but no record in it
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in"));
        Assert.Equal(["a.jpg", "mine.x4.jpg"], _cli.Restorer.Restored);
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in", "--seed", "7"));
        Assert.Equal(["a.jpg", "mine.x4.jpg"], _cli.Restorer.Restored);
        Assert.Equal(4, _cli.Files().Length);
    }

    [Fact]
    public void What_a_shell_makes_of_a_star_can_be_repeated()
    {
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg"));
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg", "a.x4.jpg"));
        Assert.Equal(["a.jpg", "a.x4.jpg"], _cli.Files());
        // By itself, a result is a photo like any other.
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.x4.jpg"));
        Assert.True(_cli.Exists("a.x4.x4.jpg"));
    }

    [Fact]
    public void A_missing_file_fails_and_the_others_go_on()
    {
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "none.jpg", "a.jpg"));
        Assert.Equal(["a.jpg"], _cli.Restorer.Restored);
        Assert.Contains("coser: none.jpg: there is no such file.", _cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("*.webp")]
    [InlineData("nowhere/**/*.jpg")]
    public void A_folder_or_glob_without_photos_is_wrong_usage(string argument)
    {
        Directory.CreateDirectory(_cli.Full("empty"));
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "a.jpg", argument));
        Assert.Contains(argument, _cli.Error, StringComparison.Ordinal);
        Assert.Empty(_cli.Restorer.Restored);
    }

    [Fact]
    public void Linked_folders_do_not_lead_in_circles()
    {
        _cli.Photo("in/a.jpg");
        Directory.CreateSymbolicLink(_cli.Full("in/loop"), _cli.Full("in"));
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in", "-r"));
        Assert.Equal(["a.jpg"], _cli.Restorer.Restored);
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in/**/*.jpg", "--seed", "1"));
        Assert.Equal(["a.jpg"], _cli.Restorer.Restored);
    }
}
