using System.Text.Json;
using Coser.Checkpoints;
using Coser.Tests.Fixtures;
using TorchSharp;

namespace Coser.Tests.Checkpoints;

internal static class CheckpointFixtures
{
    [FixtureKind("checkpoints")]
    public static void Good_files_are_read_and_bad_ones_refused(FixtureCase fixture)
    {
        using var expected = SafetensorsFile.Open(Path.Combine(fixture.Folder, "expected.safetensors"));
        foreach (JsonProperty good in fixture.Description.GetProperty("good").EnumerateObject())
            CheckGood(fixture, good.Name, good.Value.GetString()!, expected);
        foreach (JsonElement bad in fixture.Description.GetProperty("must_be_refused").EnumerateArray())
            CheckRefused(Path.Combine(fixture.Folder, "bad", bad.GetString()!));
    }

    private static void CheckGood(FixtureCase fixture, string name, string what, SafetensorsFile expected)
    {
        string path = Path.Combine(fixture.Folder, name);
        using ICheckpoint file = CheckpointFile.Open(path);
        bool isPart = what.Contains("subset") || what.Contains("holds");
        Assert.NotEmpty(file.Entries);
        if (!isPart)
            Assert.Equal(
                expected.Entries.Keys.Order(StringComparer.Ordinal),
                file.Entries.Keys.Order(StringComparer.Ordinal)
            );
        foreach (string key in file.Entries.Keys)
            AssertSame(expected, file, key, $"{name}: {key}");
        if (file.Wrapper == "state_dict")
        {
            Assert.Equal(fixture.Description.GetProperty("global_step").GetRawText(), file.Metadata["global_step"]);
            Assert.Equal(fixture.Description.GetProperty("epoch").GetRawText(), file.Metadata["epoch"]);
        }
        if (file.Wrapper != "params_ema")
            return;
        using ICheckpoint doubled = CheckpointFile.Open(path, "params");
        foreach (string key in doubled.Entries.Keys)
            Assert.True((doubled.Read(key) / 2).Equals(file.Read(key)), $"{name}: params.{key}");
    }

    private static void AssertSame(SafetensorsFile expected, ICheckpoint file, string key, string what)
    {
        torch.Tensor read = file.Read(key);
        torch.Tensor right = expected.Read(key);
        Assert.Equal(right.shape, read.shape);
        Assert.Equal(right.dtype, read.dtype);
        Assert.Equal(right.shape, file.Entries[key].Shape);
        Assert.True(right.Equals(read), what);
    }

    private static void CheckRefused(string path)
    {
        var refused = Assert.Throws<CheckpointException>(() => CheckpointFile.Open(path).Dispose());
        Assert.StartsWith(path, refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
        if (Path.GetFileName(path).StartsWith("evil", StringComparison.Ordinal))
            Assert.Matches("system|eval", refused.Message);
    }
}
