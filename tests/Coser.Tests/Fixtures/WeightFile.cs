using System.Text.Json;
using Coser.Checkpoints;
using TorchSharp;

namespace Coser.Tests.Fixtures;

/// <summary>Networks filled as a case asks, after their keys and shapes were compared with the case's list.</summary>
internal static class WeightFile
{
    /// <param name="ignored">Keys of the case that a network computes itself.</param>
    public static void Fill(FixtureCase fixture, torch.nn.Module network, params string[] ignored)
    {
        Assert.Equal(
            Names(fixture)
                .Where(n => !ignored.Any(i => n.Contains(i, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal),
            Shapes.Of(network)
        );
        fixture.FillWeights(network);
    }

    private static IEnumerable<string> Names(FixtureCase fixture)
    {
        string file = Path.Combine(fixture.Folder, "weights.safetensors");
        if (File.Exists(file))
        {
            using SafetensorsFile weights = SafetensorsFile.Open(file);
            return [.. weights.Entries.Values.Select(e => $"{e.Name} [{string.Join(",", e.Shape)}]")];
        }
        using JsonDocument keys = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(fixture.Folder, "keys.json")));
        return
        [
            .. keys
                .RootElement.EnumerateArray()
                .Select(k =>
                    $"{k.GetProperty("key").GetString()} "
                    + $"[{string.Join(",", k.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()))}]"
                ),
        ];
    }
}
