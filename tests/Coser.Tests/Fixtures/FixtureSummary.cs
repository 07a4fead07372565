using Coser.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(FixtureSummary))]

namespace Coser.Tests.Fixtures;

/// <summary>Closes a run with one line about the golden numbers.</summary>
public sealed class FixtureSummary : IDisposable
{
    public FixtureSummary() => Coser.Engine.NativeEngine.EnsureLoaded();

    public void Dispose()
    {
        if (FixtureTests.Results.IsEmpty)
            return;
        ILookup<string, string> byResult = FixtureTests.Results.ToLookup(r => r.Value, r => r.Key);
        string skipped = string.Join(", ", byResult["skipped"].Order(StringComparer.Ordinal));
        string failed = string.Join(", ", byResult["failed"].Order(StringComparer.Ordinal));
        string names = string.Join(
            "; ",
            new[] { failed.Length > 0 ? "failed: " + failed : "", skipped }.Where(n => n.Length > 0)
        );
        string line =
            $"fixtures: {byResult["passed"].Count()} passed, {byResult["failed"].Count()} failed, "
            + $"{byResult["skipped"].Count()} skipped"
            + (names.Length > 0 ? $" ({names})" : "");
        // The test platform keeps the console to itself; the test command prints this file last.
        if (Environment.GetEnvironmentVariable("COSER_FIXTURES_SUMMARY") is { Length: > 0 } file)
            File.WriteAllText(file, line + "\n");
        Console.WriteLine(line);
    }
}
