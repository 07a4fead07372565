using Coser.Cli;
using Coser.Cli.Upscaling;
using Coser.Engine;

namespace Coser.Tests.Cli;

/// <summary>What is done again on a second run, and what is not.</summary>
public sealed class SkipTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void An_up_to_date_result_is_skipped_and_counts_as_success()
    {
        _cli.Photo("a.jpg");
        _cli.Photo("b.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "."));
        DateTime made = File.GetLastWriteTimeUtc(_cli.Full("a.x4.jpg"));
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "."));
        Assert.Empty(_cli.Restorer.Restored);
        Assert.Equal(made, File.GetLastWriteTimeUtc(_cli.Full("a.x4.jpg")));
        Assert.Contains("a.jpg -> ./a.x4.jpg  up to date", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("0 restored, 2 skipped", _cli.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--seed", "43")]
    [InlineData("--tile", "64")]
    [InlineData("--quality", "80")]
    [InlineData("--overwrite")]
    public void A_result_is_redone_when_an_option_changed(params string[] changed)
    {
        _cli.Photo("a.jpg");
        _cli.Run("upscale", "a.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run(["upscale", "a.jpg", .. changed]));
        Assert.Equal(["a.jpg"], _cli.Restorer.Restored);
        if (changed[0] == "--overwrite")
            return;
        Assert.Equal(ExitCode.Success, _cli.Run(["upscale", "a.jpg", .. changed]));
        Assert.Empty(_cli.Restorer.Restored);
    }

    [Theory]
    [InlineData("input")]
    [InlineData("model")]
    [InlineData("device")]
    [InlineData("precision")]
    public void A_result_is_redone_when_something_behind_it_changed(string what)
    {
        _cli.Photo("a.jpg");
        _cli.Run("upscale", "a.jpg");
        if (what == "input")
            _cli.Photo("a.jpg", "edited");
        else if (what == "model")
            _cli.Restorer.Model = _cli.Restorer.Model with { Hash = "hash-2" };
        else if (what == "device")
            _cli.Restorer.Device = "cuda";
        else
            _cli.Restorer.Precision = "bf16";
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg"));
        Assert.Equal(["a.jpg"], _cli.Restorer.Restored);
    }

    [Theory]
    [InlineData("--threads", "1")]
    [InlineData("--max-pixels", "1000")]
    [InlineData("--json")]
    public void Options_that_do_not_change_pixels_redo_nothing(params string[] changed)
    {
        _cli.Photo("a.jpg");
        _cli.Run("upscale", "a.jpg");
        Assert.Equal(ExitCode.Success, _cli.Run(["upscale", "a.jpg", .. changed]));
        Assert.Empty(_cli.Restorer.Restored);
    }

    [Fact]
    public void A_result_survives_the_renaming_of_its_folder()
    {
        _cli.Photo("in/a.jpg");
        _cli.Run("upscale", "in");
        Directory.Move(_cli.Full("in"), _cli.Full("moved"));
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "moved"));
        Assert.Empty(_cli.Restorer.Restored);
    }

    [Fact]
    public void A_stranger_in_the_outputs_place_is_only_replaced_with_overwrite()
    {
        _cli.Photo("a.jpg");
        File.WriteAllText(_cli.Full("big.jpg"), "somebody's");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "a.jpg", "-o", "big.jpg"));
        Assert.Equal("somebody's", File.ReadAllText(_cli.Full("big.jpg")));
        Assert.Contains("--overwrite", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg", "-o", "big.jpg", "--overwrite"));
        Assert.StartsWith("made of", File.ReadAllText(_cli.Full("big.jpg")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_of_a_later_version_is_ours_but_never_up_to_date()
    {
        OutputRecord record = Sample();
        string later = record.ToText().Replace("\"coser\":1", "\"coser\":2", StringComparison.Ordinal);
        Assert.True(OutputRecord.IsOurs(later));
        Assert.NotEqual(record, OutputRecord.Parse(later));
        Assert.Equal(record, OutputRecord.Parse(record.ToText()));
        Assert.NotEqual(record, OutputRecord.Parse((record with { Algorithm = 0 }).ToText()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a caption")]
    [InlineData("[1]")]
    [InlineData("{\"author\":\"me\"}")]
    public void Other_texts_are_no_records(string? text)
    {
        Assert.False(OutputRecord.IsOurs(text));
        Assert.Null(OutputRecord.Parse(text));
    }

    [Theory]
    [InlineData(DeviceChoice.Cpu, Precision.Auto)]
    [InlineData(DeviceChoice.Auto, Precision.Auto)]
    [InlineData(DeviceChoice.Auto, Precision.Fp32)]
    [InlineData(DeviceChoice.Cpu, Precision.Bf16)]
    public void Device_and_precision_in_the_record_are_those_the_engine_chooses(
        DeviceChoice device,
        Precision precision
    )
    {
        var compute = Compute.Choose(device, precision);
        Assert.Equal((compute.DeviceName, compute.PrecisionName), ComputeNames.Resolve(device, precision));
    }

    private static OutputRecord Sample() =>
        new()
        {
            Input = "ab",
            Model = "cd",
            Scale = 2.5,
            Seed = 42,
            Tile = 0,
            Device = "cpu",
            Precision = "bf16",
            Format = "jpeg",
        };
}
