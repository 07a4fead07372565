using System.Text;
using System.Text.Json;

namespace Coser.Training.Runs;

/// <summary>A line of metrics.jsonl.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Values">Its numbers by name, <c>step</c> included.</param>
public sealed record MetricLine(long Step, IReadOnlyDictionary<string, double> Values);

/// <summary><c>metrics.jsonl</c> of a run: a JSON object of numbers a line.</summary>
public static class RunMetrics
{
    /// <summary>Its name in a run's folder.</summary>
    public const string FileName = "metrics.jsonl";

    /// <summary>What the names of a validation's figures begin with.</summary>
    public const string ValidationPrefix = "val_";

    /// <summary>The whole lines, in order. A line that a kill has cut off is left out, as is what is no line of ours.</summary>
    /// <returns>Empty when there is no file.</returns>
    public static IReadOnlyList<MetricLine> Read(string path) => [.. Lines(path).Select(l => l.Parsed)];

    /// <summary>Drops what a checkpoint does not know of: lines of later steps, and a line that was cut off.</summary>
    /// <param name="step">Steps the checkpoint has done.</param>
    public static void DropAfter(string path, long step)
    {
        if (!File.Exists(path))
            return;
        var kept = new StringBuilder();
        foreach ((string text, MetricLine line) in Lines(path))
        {
            if (line.Step <= step)
                kept.Append(text).Append('\n');
        }
        File.WriteAllText(path + ".tmp", kept.ToString());
        File.Move(path + ".tmp", path, overwrite: true);
    }

    private static IEnumerable<(string Text, MetricLine Parsed)> Lines(string path)
    {
        if (!File.Exists(path))
            yield break;
        foreach (string text in File.ReadLines(path))
        {
            if (Parse(text) is { } line)
                yield return (text, line);
        }
    }

    private static MetricLine? Parse(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            var values = document
                .RootElement.EnumerateObject()
                .Where(p => p.Value.ValueKind == JsonValueKind.Number)
                .ToDictionary(p => p.Name, p => p.Value.GetDouble(), StringComparer.Ordinal);
            return values.TryGetValue("step", out double step) ? new MetricLine((long)step, values) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }
}
