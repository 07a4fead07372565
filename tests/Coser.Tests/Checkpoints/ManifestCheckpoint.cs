using System.Text.Json;
using Coser.Checkpoints;
using Coser.Tests.Fixtures;
using TorchSharp;

namespace Coser.Tests.Checkpoints;

/// <summary>A full-size checkpoint without its numbers: names, shapes and types of fixtures/manifests.</summary>
internal sealed class ManifestCheckpoint : ICheckpoint
{
    private static readonly Dictionary<string, string> TypeNames = new(StringComparer.Ordinal)
    {
        ["float32"] = "F32",
        ["int64"] = "I64",
    };

    public ManifestCheckpoint(string name)
    {
        Path = name;
        Entries = Read(Document(name)).ToDictionary(e => e.Name, StringComparer.Ordinal);
    }

    public string Path { get; }

    public string Format => "manifest";

    public string? Wrapper => null;

    public IReadOnlyDictionary<string, CheckpointEntry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    public static JsonElement Document(string name) =>
        JsonDocument
            .Parse(File.ReadAllBytes(System.IO.Path.Combine(FixtureTests.Root, "manifests", name + ".json")))
            .RootElement;

    public torch.Tensor Read(string name) => throw new NotSupportedException("a manifest holds no numbers");

    public void Dispose() { }

    private static IEnumerable<CheckpointEntry> Read(JsonElement manifest)
    {
        foreach (JsonElement tensor in manifest.GetProperty("tensors").EnumerateArray())
        {
            long[] shape = [.. tensor.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())];
            ElementType type = ElementType.Find(TypeNames[tensor.GetProperty("dtype").GetString()!])!;
            yield return new CheckpointEntry(
                tensor.GetProperty("key").GetString()!,
                type,
                shape,
                type.Bytes(shape)!.Value
            );
        }
    }
}
