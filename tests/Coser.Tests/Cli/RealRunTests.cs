using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli;
using Coser.Imaging;
using Coser.Networks.PreSr;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Cli;

/// <summary>The command with the library behind it, on a tiny untrained model and small photos.</summary>
public sealed class RealRunTests : IDisposable
{
    private readonly CliHarness _cli = new() { Real = true };

    public RealRunTests() => WriteModel(_cli.Full("tiny"));

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void A_folder_of_mixed_photos_is_enlarged_then_skipped_then_redone()
    {
        WritePhoto("in/a.jpg", 20, 12);
        WritePhoto("in/b.png", 7, 9);
        File.WriteAllText(_cli.Full("in/c.webp"), "not a photo");
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "in", "--model", _cli.Full("tiny")));
        Assert.Contains("2 restored, 1 failed", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("coser: in/c.webp: ", _cli.Error, StringComparison.Ordinal);
        Assert.Contains("pre-SR only", _cli.Error, StringComparison.Ordinal);
        using (var a = Photo.Open(_cli.Full("in/a.x4.jpg")))
            Assert.Equal((80, 48), (a.Width, a.Height));
        Assert.NotNull(PhotoRecord.Read(_cli.Full("in/b.x4.png")));

        File.Delete(_cli.Full("in/c.webp"));
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in", "--model", _cli.Full("tiny")));
        Assert.Contains("0 restored, 2 skipped", _cli.Out, StringComparison.Ordinal);

        WritePhoto("in/a.jpg", 24, 12);
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "in", "--model", _cli.Full("tiny")));
        Assert.Contains("1 restored, 1 skipped", _cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_format_keeps_its_record()
    {
        WritePhoto("a.jpg", 16, 16);
        foreach (PhotoFormat format in Enum.GetValues<PhotoFormat>())
        {
            string[] args = ["upscale", "a.jpg", "--format", format.ToString(), "--model", _cli.Full("tiny"), "--json"];
            Assert.Equal(ExitCode.Success, _cli.Run(args));
            Assert.Contains(_cli.Events, e => e.GetProperty("event").GetString() == "done");
            Assert.Equal(ExitCode.Success, _cli.Run(args));
            Assert.Contains(_cli.Events, e => e.GetProperty("event").GetString() == "skipped");
        }
    }

    [Fact]
    public void Limits_of_model_and_options_are_told_in_one_line()
    {
        WritePhoto("a.jpg", 20, 20);
        Assert.Equal(
            ExitCode.Failed,
            _cli.Run("upscale", "a.jpg", "--max-pixels", "399", "--model", _cli.Full("tiny"))
        );
        Assert.Contains("coser: a.jpg: ", _cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, _cli.Run("upscale", "a.jpg", "--model", "no-such-model"));
        Assert.StartsWith("coser: no-such-model: ", _cli.Error, StringComparison.Ordinal);
        WriteModel(_cli.Full("double"), scale: 2);
        Assert.Equal(ExitCode.Usage, _cli.Run("upscale", "a.jpg", "--scale", "3", "--model", _cli.Full("double")));
        Assert.Contains("enlarges 2 times at most", _cli.Error, StringComparison.Ordinal);
        // Without --scale, the model's own.
        Assert.Equal(ExitCode.Success, _cli.Run("upscale", "a.jpg", "--model", _cli.Full("double")));
        Assert.True(_cli.Exists("a.x2.jpg"));
    }

    [Fact]
    public void Info_shows_a_model_folder()
    {
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "tiny"));
        Assert.Contains("presr: msrresnet", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("pre-SR only", _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "tiny", "--json"));
        JsonElement model = JsonDocument.Parse(_cli.Out).RootElement;
        Assert.True(model.GetProperty("preSrOnly").GetBoolean());
        Assert.Equal(1, model.GetProperty("components").GetArrayLength());
    }

    private void WritePhoto(string name, int width, int height)
    {
        string path = _cli.Full(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using Image noise = Image.Gaussnoise(width, height, mean: 128, sigma: 40, seed: 7);
        using Image rgb = noise.Bandjoin(noise, noise).Cast(Enums.BandFormat.Uchar);
        using Image srgb = rgb.Copy(interpretation: Enums.Interpretation.Srgb);
        srgb.WriteToFile(path);
    }

    private static void WriteModel(string folder, int scale = 4)
    {
        using var scope = torch.NewDisposeScope();
        var config = new MsrResNetConfig
        {
            Features = 4,
            Blocks = 1,
            Upscale = scale,
        };
        using var network = new MsrResNet(config);
        Directory.CreateDirectory(folder);
        SafetensorsWriter.Write(Path.Combine(folder, "presr.safetensors"), network.state_dict());
        File.WriteAllText(
            Path.Combine(folder, "model.json"),
            JsonSerializer.Serialize(
                new ModelManifest
                {
                    Name = Path.GetFileName(folder),
                    Scale = scale,
                    Components = new Dictionary<string, ComponentManifest>(StringComparer.Ordinal)
                    {
                        [ModelDirectory.PreSrRole] = new()
                        {
                            Kind = "msrresnet",
                            File = "presr.safetensors",
                            Config = JsonSerializer.SerializeToElement(config, CoserJson.Strict),
                        },
                    },
                },
                CoserJson.Strict
            )
        );
    }
}
