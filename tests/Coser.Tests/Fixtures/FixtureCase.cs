using System.Text.Json;
using Coser.Checkpoints;
using TorchSharp;

namespace Coser.Tests.Fixtures;

/// <summary>One case folder of golden numbers: <c>case.json</c>, <c>io.safetensors</c>, and how its weights are made.</summary>
public sealed class FixtureCase : IDisposable
{
    private readonly SafetensorsFile? _io;

    public FixtureCase(string folder)
    {
        Folder = folder;
        Name = Path.GetFileName(folder);
        Description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json"))).RootElement;
        string io = Path.Combine(folder, "io.safetensors");
        _io = File.Exists(io) ? SafetensorsFile.Open(io) : null;
    }

    public string Folder { get; }

    public string Name { get; }

    /// <summary>All of <c>case.json</c>.</summary>
    public JsonElement Description { get; }

    public string Kind => Description.GetProperty("kind").GetString()!;

    /// <summary>The <c>config</c> object of <c>case.json</c>: hyper-parameters.</summary>
    public JsonElement Config => Description.GetProperty("config");

    /// <summary>What the case's keys carry in front of the module's own names.</summary>
    public string Prefix => Description.GetProperty("weights").GetProperty("prefix").GetString()!;

    public bool HasInput(string name) => _io!.Entries.ContainsKey("in." + name);

    /// <summary>The input tensor <c>in.NAME</c>, a view of the mapped file.</summary>
    public torch.Tensor Input(string name) => _io!.Read("in." + name);

    /// <summary>The expected tensor <c>out.NAME</c>, a view of the mapped file.</summary>
    public torch.Tensor Expected(string name) => _io!.Read("out." + name);

    public IEnumerable<string> OutputNames =>
        _io!.Entries.Keys.Where(k => k.StartsWith("out.", StringComparison.Ordinal)).Select(k => k[4..]);

    /// <summary>
    /// Allowed absolute difference of an output: 20 times the recorded float32-float64 difference, never below 2e-5 times
    /// the largest absolute output (the README of the fixtures).
    /// </summary>
    public double Tolerance(string output)
    {
        JsonElement described = Description.GetProperty("outputs").GetProperty(output);
        double recorded = described.TryGetProperty("f32_vs_f64_maxabs", out JsonElement e) ? e.GetDouble() : 0;
        return Math.Max(20 * recorded, 2e-5 * described.GetProperty("absmax").GetDouble());
    }

    /// <summary>Asserts that <paramref name="actual"/> equals <c>out.NAME</c> in shape, and in values within the tolerance.</summary>
    public void AssertOutput(string name, torch.Tensor actual, double? tolerance = null)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor expected = Expected(name);
        Assert.Equal(expected.shape, actual.shape);
        double difference = (expected.to(torch.float64) - actual.detach().cpu().to(torch.float64))
            .abs()
            .max()
            .item<double>();
        double allowed = tolerance ?? Tolerance(name);
        Assert.True(difference <= allowed, $"{Name}: {name} differs by {difference:g4}, allowed {allowed:g4}");
    }

    /// <summary>Fills every parameter and buffer of <paramref name="module"/> by the case's hash-fill recipe.</summary>
    /// <param name="prefix">What the case's keys carry in front of the module's own names.</param>
    public void FillWeights(torch.nn.Module module, string prefix = "") =>
        HashFill.Fill(module, Description.GetProperty("weights"), prefix);

    public void Dispose() => _io?.Dispose();
}

/// <summary>Marks the static method (FixtureCase) -> void that checks cases of one kind.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class FixtureKindAttribute(string kind) : Attribute
{
    public string Kind { get; } = kind;
}
