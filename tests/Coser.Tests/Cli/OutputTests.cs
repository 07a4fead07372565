using Coser.Cli;
using Coser.Cli.Upscaling;

namespace Coser.Tests.Cli;

/// <summary>Where results go, and which plans are refused before any work.</summary>
public sealed class OutputTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("a.x4.jpg")]
    [InlineData("a.x2.jpg", "--scale", "2")]
    [InlineData("a.x2.5.jpg", "--scale", "2.5")]
    [InlineData("a.x4.webp", "--format", "webp")]
    [InlineData("big.png", "-o", "big.png")]
    [InlineData("big/a.x4.jpg", "-o", "big")]
    [InlineData("deep/er/big.png", "-o", "deep/er/big.png")]
    [InlineData("big.png/a.x4.jpg", "-o", "big.png/")]
    [InlineData("there.png/a.x4.jpg", "-o", "there.png")]
    public void One_photo_goes_where_the_options_say(string expected, params string[] options)
    {
        Directory.CreateDirectory(_cli.Full("there.png"));
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run(["upscale", "a.jpg", .. options]));
        Assert.Equal(new[] { "a.jpg", expected }.Order(StringComparer.Ordinal), _cli.Files());
    }

    [Theory]
    [InlineData("photo.jpg", "photo.jpg", "photo.png", "--format", "png")]
    [InlineData("x/a.jpg", "x/a.jpg", "y/a.jpg", "-o", "out")]
    public void Two_inputs_for_one_output_are_refused_with_both_names(string named, params string[] args)
    {
        _cli.Photo(args[0]);
        _cli.Photo(args[1]);
        Assert.Equal(ExitCode.Usage, _cli.Run(["upscale", .. args]));
        Assert.Contains(named, _cli.Error, StringComparison.Ordinal);
        Assert.Contains(args[1], _cli.Error, StringComparison.Ordinal);
        Assert.Equal(2, _cli.Files().Length);
        Assert.Empty(_cli.Restorer.Jobs);
    }

    [Fact]
    public void An_output_that_is_an_input_is_refused_even_with_overwrite()
    {
        _cli.Photo("a.jpg");
        _cli.Photo("a.x4.jpg");
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "a.jpg", "-o", "./a.jpg", "--overwrite"));
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "a.jpg", "a.x4.jpg", "--overwrite"));
        Assert.Contains("a.x4.jpg", _cli.Error, StringComparison.Ordinal);
        File.CreateSymbolicLink(_cli.Full("link.jpg"), _cli.Full("a.jpg"));
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "a.jpg", "-o", "link.jpg", "--overwrite"));
        Assert.Empty(_cli.Restorer.Jobs);
    }

    [Theory]
    [InlineData("one.png", "2 inputs")] // a file for two
    [InlineData("out.heic", "cannot be written")]
    [InlineData("taken", "not a folder")]
    public void An_output_that_does_not_fit_is_refused(string output, string reason)
    {
        _cli.Photo("a.jpg");
        _cli.Photo("b.jpg");
        _cli.Photo("taken");
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "a.jpg", "b.jpg", "-o", output));
        Assert.Contains(reason, _cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Output_name_and_format_must_agree()
    {
        _cli.Photo("a.jpg");
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "a.jpg", "-o", "b.png", "--format", "jpeg"));
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg", "-o", "b.png", "--format", "png"));
    }

    [Fact]
    public void An_output_folder_that_cannot_be_made_fails_before_the_work()
    {
        _cli.Photo("a.jpg");
        _cli.Photo("file");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "a.jpg", "-o", "file/below/"));
        Assert.Empty(_cli.Restorer.Jobs);
        Assert.Contains("coser: a.jpg:", _cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("photo.x4.jpg", "photo")]
    [InlineData("photo.x2.5.png", "photo")]
    [InlineData("photo.x4.x4.jpg", "photo.x4")]
    [InlineData("a.x.x4.jpg", "a.x")]
    [InlineData("photo.jpg", null)]
    [InlineData("photo.xyz.jpg", null)]
    [InlineData(".x4.jpg", null)]
    public void Names_of_results_are_recognised(string name, string? stem) =>
        Assert.Equal(stem, PathRules.ResultStem(name));
}
