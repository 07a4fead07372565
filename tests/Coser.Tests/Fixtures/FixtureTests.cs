using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using TorchSharp;

namespace Coser.Tests.Fixtures;

/// <summary>Every case folder below <c>COSER_FIXTURES</c> (default tests/fixtures) is a test of its kind.</summary>
public sealed class FixtureTests
{
    private static readonly Dictionary<string, Action<FixtureCase>> Kinds = typeof(FixtureTests)
        .Assembly.GetTypes()
        .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
        .SelectMany(m => m.GetCustomAttributes<FixtureKindAttribute>().Select(a => (a.Kind, Method: m)))
        .ToDictionary(k => k.Kind, k => k.Method.CreateDelegate<Action<FixtureCase>>(), StringComparer.Ordinal);

    internal static readonly ConcurrentDictionary<string, string> Results = new(StringComparer.Ordinal);

    public static string Root { get; } =
        Environment.GetEnvironmentVariable("COSER_FIXTURES") is { Length: > 0 } folder
            ? Path.GetFullPath(folder)
            : Path.Combine(Repository.Root, "tests", "fixtures");

    public static TheoryData<string> Cases()
    {
        var cases = new TheoryData<string>();
        foreach (string folder in Directory.EnumerateDirectories(Root).Order(StringComparer.Ordinal))
        {
            if (File.Exists(Path.Combine(folder, "case.json")))
                cases.Add(Path.GetFileName(folder));
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Agrees(string name)
    {
        Results[name] = "failed";
        using var fixture = new FixtureCase(Path.Combine(Root, name));
        if (!Kinds.TryGetValue(fixture.Kind, out Action<FixtureCase>? check))
        {
            Results[name] = "skipped";
            Assert.Skip($"no network or operation of kind '{fixture.Kind}' exists yet");
        }
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        try
        {
            check(fixture);
        }
        catch (Xunit.Sdk.SkipException)
        {
            Results[name] = "skipped";
            throw;
        }
        Results[name] = "passed";
    }

    [Fact]
    public void Hash_fill_reproduces_its_test_vectors()
    {
        string file = Path.Combine(Root, "hash_fill.json");
        using JsonDocument recipe = JsonDocument.Parse(File.ReadAllBytes(file));
        foreach (JsonElement vector in recipe.RootElement.GetProperty("test_vectors").EnumerateArray())
        {
            float[] expected = [.. vector.GetProperty("values").EnumerateArray().Select(v => (float)v.GetDouble())];
            float[] values = HashFill.Values(
                vector.GetProperty("key").GetString()!,
                [.. vector.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64())],
                vector.GetProperty("seed").GetUInt64(),
                vector.GetProperty("gain").GetDouble()
            );
            Assert.Equal(expected, values[..expected.Length]);
        }
    }
}
