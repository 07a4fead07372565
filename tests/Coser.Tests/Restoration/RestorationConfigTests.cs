using System.Text.Json.Nodes;
using Coser.Checkpoints;

namespace Coser.Tests.Restoration;

public sealed class RestorationConfigTests
{
    [Theory]
    [InlineData("tile_batch", "0")]
    [InlineData("canvas_size", "32")]
    [InlineData("start", "1000")]
    [InlineData("reference_start", "-1")]
    [InlineData("fidelity", "1.5")]
    [InlineData("feature_noise", "-0.1")]
    [InlineData("detail", "1e9")]
    [InlineData("detail_limit.ratio", "-1")]
    [InlineData("detail_limit.floor", "2")]
    [InlineData("presets.best.steps", "0")]
    [InlineData("presets.fast.guidance", "0.5")]
    public void A_model_with_a_setting_that_makes_no_sense_is_not_opened(string setting, string value)
    {
        using var folder = new TemporaryFolder();
        string model = SmallCoser.Write(folder.File("model"));
        string path = Path.Combine(model, "model.json");
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(path))!;
        JsonNode place = manifest["restoration"]!;
        string[] names = setting.Split('.');
        foreach (string name in names[..^1])
            place = place[name] ??= new JsonObject { ["ratio"] = 1, ["floor"] = 0.5 };
        ModelDirectory.Open(model).Dispose();
        place[names[^1]] = JsonNode.Parse(value);
        File.WriteAllText(path, manifest.ToJsonString());
        var refused = Assert.Throws<CheckpointException>(() => ModelDirectory.Open(model).Dispose());
        Assert.Equal(path, refused.Path);
        Assert.Contains($"restoration.{setting} is ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("it must lie in ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_limit_is_none()
    {
        using var folder = new TemporaryFolder();
        string model = SmallCoser.Write(folder.File("model"));
        string path = Path.Combine(model, "model.json");
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(path))!;
        manifest["restoration"]!["detail_limit"] = new JsonObject { ["ratio"] = 1 };
        File.WriteAllText(path, manifest.ToJsonString());
        var refused = Assert.Throws<CheckpointException>(() => ModelDirectory.Open(model).Dispose());
        Assert.Contains("floor", refused.Message, StringComparison.Ordinal);
    }
}
