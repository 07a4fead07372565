using System.Globalization;
using Coser.Metrics.Text;

namespace Coser.Evaluation.Reports;

/// <summary>Says in how many images a method made a text say something else.</summary>
public static class TextWarnings
{
    /// <summary>A sentence a method; none, if text was not looked at or none was readable.</summary>
    public static IEnumerable<string> Of(EvaluationResult result)
    {
        foreach (string method in result.Methods)
        {
            EvaluationRow[] read =
            [
                .. result.Rows.Where(r => r.Method == method && r.Values.ContainsKey(TextMetric.Key)),
            ];
            if (read.Length == 0)
                continue;
            EvaluationRow[] changed = [.. read.Where(r => r.Values[TextMetric.Key] > 0)];
            string named =
                changed.Length == 0 ? "" : $": {string.Join(", ", changed.Take(Named).Select(r => r.Image))}";
            string more = changed.Length > Named ? ", ..." : "";
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{method}: text changed in {changed.Length} of {read.Length} images with readable text{named}{more}."
            );
        }
    }

    private const int Named = 5;

    /// <summary>What a row's text says now, in words; empty: nothing changed.</summary>
    public static IReadOnlyList<string> Of(EvaluationRow row) => row.Notes?.GetValueOrDefault(TextMetric.Key) ?? [];
}
