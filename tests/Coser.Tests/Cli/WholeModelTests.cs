using Coser.Cli;
using Coser.Imaging;
using Coser.Restoration;
using Coser.Tests.Restoration;
using NetVips;

namespace Coser.Tests.Cli;

/// <summary>The command with all of CoSeR behind it, as a tiny model of random weights.</summary>
[Collection(ProcessWide.Name)]
public sealed class WholeModelTests : IDisposable
{
    private readonly CliHarness _cli = new() { Real = true };
    private readonly string[] _model;

    public WholeModelTests() => _model = ["--model", SmallCoser.Write(_cli.Full("model"))];

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void A_folder_of_mixed_photos_comes_out_whole()
    {
        Directory.CreateDirectory(_cli.Full("in/deep"));
        using Image noise = Image.Gaussnoise(30, 21, sigma: 40, mean: 128, seed: 5);
        using Image grey = noise.Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Bw);
        using Image colour = grey.Bandjoin(grey, grey).Copy(interpretation: Enums.Interpretation.Srgb);
        colour.Jpegsave(_cli.Full("in/colour.jpg"));
        grey.Pngsave(_cli.Full("in/grey.png"));
        colour.Bandjoin(grey).Pngsave(_cli.Full("in/alpha.png"));
        (colour * 257)
            .Cast(Enums.BandFormat.Ushort)
            .Copy(interpretation: Enums.Interpretation.Rgb16)
            .Tiffsave(_cli.Full("in/deep/sixteen.tif"));
        File.WriteAllText(_cli.Full("in/broken.jpg"), "no photo");

        Assert.Equal(
            ExitCode.Failed,
            _cli.Run([
                "upscale",
                "in",
                "-r",
                "-o",
                "out",
                "--save-reference",
                "--save-stages",
                "stages",
                "--preset",
                "fast",
                .. _model,
            ])
        );
        Assert.Contains("4 restored, 1 failed", _cli.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("pre-SR only", _cli.Error, StringComparison.Ordinal);
        using (var sixteen = Photo.Open(_cli.Full("out/deep/sixteen.x4.tif")))
            Assert.Equal((120, 84, 16), (sixteen.Width, sixteen.Height, sixteen.BitDepth));
        using (var alpha = Photo.Open(_cli.Full("out/alpha.x4.png")))
            Assert.True(alpha.HasAlpha);
        using (var one = Photo.Open(_cli.Full("out/grey.x4.png")))
            Assert.True(one.IsGreyscale);
        foreach (string name in new[] { "out/colour.x4.reference.png", "stages/colour.x4.reference.png" })
        {
            using var reference = Photo.Open(_cli.Full(name));
            Assert.Equal(SmallCoser.TrainSize, reference.Width);
        }
        using (var preSr = Photo.Open(_cli.Full("stages/colour.x4.pre-sr.png")))
            Assert.Equal(4 * SmallCoser.TrainSize / 4, preSr.Height);
        // Neither temporary files nor saved states are left.
        Assert.DoesNotContain(
            Directory.EnumerateFileSystemEntries(_cli.Full("out"), "*", SearchOption.AllDirectories),
            f => Path.GetFileName(f).StartsWith('.')
        );

        File.Delete(_cli.Full("in/broken.jpg"));
        Assert.Equal(ExitCode.Success, _cli.Run(["upscale", "in", "-r", "-o", "out", "--preset", "fast", .. _model]));
        Assert.Contains("0 restored, 4 skipped", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, _cli.Run(["upscale", "in", "-r", "-o", "out", "--fidelity", "0.2", .. _model]));
        Assert.Contains("4 restored", _cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reference_can_be_looked_at_alone()
    {
        using (Photo photo = SmallCoser.NewPhoto(24, 20))
            photo.Save(_cli.Full("photo.png"));
        Assert.Equal(ExitCode.Success, _cli.Run(["reference", "photo.png", .. _model]));
        using (var reference = Photo.Open(_cli.Full("photo.reference.png")))
            Assert.Equal(SmallCoser.TrainSize, reference.Width);
        Assert.Equal(ExitCode.Usage, _cli.Run(["reference", "photo.png", .. _model]));
        Assert.Contains("--overwrite", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(
            ExitCode.Success,
            _cli.Run(["reference", "photo.png", "-o", "other.webp", "--seed", "7", .. _model])
        );
        Assert.True(_cli.Exists("other.webp"));
    }

    [Fact]
    public void A_photo_of_the_user_is_the_reference()
    {
        using (Photo photo = SmallCoser.NewPhoto(24, 20))
            photo.Save(_cli.Full("photo.png"));
        using (Photo photo = SmallCoser.NewPhoto(90, 70))
            photo.Save(_cli.Full("own.png"));
        string[] line = ["upscale", "photo.png", "--reference", "own.png", .. _model];
        Assert.Equal(ExitCode.Success, _cli.Run(line));
        Assert.Equal(ExitCode.Success, _cli.Run(line));
        Assert.Contains("up to date", _cli.Out, StringComparison.Ordinal);
        // Another photo under the same name is another reference.
        using (Photo photo = SmallCoser.NewPhoto(80, 70))
            photo.Save(_cli.Full("own.png"));
        Assert.Equal(ExitCode.Success, _cli.Run(line));
        Assert.DoesNotContain("up to date", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, _cli.Run(["upscale", "photo.png", "--reference", "none.png", .. _model]));
        Assert.Contains("no such file", _cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--steps", "0")]
    [InlineData("--guidance", "0.5")]
    [InlineData("--fidelity", "1.1")]
    [InlineData("--sampler", "euler")]
    [InlineData("--preset", "slow")]
    [InlineData("--color", "sepia")]
    public void Values_out_of_range_are_told_in_one_line(string option, string value)
    {
        Assert.Equal(ExitCode.Usage, _cli.Run(["upscale", "photo.png", option, value, .. _model]));
        Assert.Contains($"{option} must", _cli.Error, StringComparison.Ordinal);
    }

    [Fact(Explicit = true)]
    public void Write_a_model_to_measure_with() =>
        SmallCoser.Write(
            Environment.GetEnvironmentVariable("COSER_SMALL_MODEL")!,
            SmallCoser.Restoration with
            {
                CanvasSize = 1280,
            }
        );
}
