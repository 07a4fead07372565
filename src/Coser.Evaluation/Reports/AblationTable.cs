using System.Net;
using System.Text;
using Coser.Evaluation.Ablation;
using Coser.Metrics.Catalogue;

namespace Coser.Evaluation.Reports;

/// <summary>The paper's Table 2: groups of configurations, a row each, with the metrics that each group is about.</summary>
public sealed class AblationTable
{
    private readonly AblationRecipe _recipe;
    private readonly IReadOnlyList<string> _methods;
    private readonly Dictionary<string, (MetricInfo Info, IReadOnlyList<TableCell> Cells)> _lines;

    /// <param name="recipe">What was compared.</param>
    /// <param name="result">With a method for each of the recipe's configurations.</param>
    public AblationTable(AblationRecipe recipe, EvaluationResult result)
    {
        (_recipe, _methods) = (recipe, result.Methods);
        _lines = new ResultTable(result).Lines().ToDictionary(l => l.Info.Key, StringComparer.Ordinal);
    }

    /// <summary>A Markdown table a group.</summary>
    public string Markdown()
    {
        var text = new StringBuilder();
        foreach (AblationGroup group in _recipe.Groups)
        {
            text.AppendLine($"| {group.Title} | {string.Join(" | ", group.Metrics.Select(Head))} |");
            text.AppendLine($"| --- |{string.Concat(Enumerable.Repeat(" --- |", group.Metrics.Count))}");
            foreach (AblationRow row in group.Rows)
            {
                IEnumerable<string> cells = group.Metrics.Select(key =>
                    Cell(group, row, key) is var (figure, place)
                        ? place switch
                        {
                            0 => $"**{figure}**",
                            1 => $"<u>{figure}</u>",
                            _ => figure,
                        }
                        : "–"
                );
                text.AppendLine($"| {row.Name} | {string.Join(" | ", cells)} |");
            }
            text.AppendLine();
        }
        return text.ToString();
    }

    /// <summary>The same as HTML.</summary>
    public string Html()
    {
        var text = new StringBuilder("<h2>Ablation</h2>");
        foreach (AblationGroup group in _recipe.Groups)
        {
            text.Append("<div class=\"scroll\"><table>");
            text.Append($"<tr><th><b>{Text(group.Title)}</b></th>");
            foreach (string key in group.Metrics)
                text.Append($"<th>{Text(Head(key))}</th>");
            text.Append("</tr>");
            foreach (AblationRow row in group.Rows)
            {
                text.Append($"<tr><th>{Text(row.Name!)}</th>");
                foreach (string key in group.Metrics)
                {
                    string kind = "";
                    string figure = "–";
                    if (Cell(group, row, key) is var (found, place))
                        (figure, kind) = (
                            found,
                            place == 0 ? "best"
                            : place == 1 ? "second"
                            : ""
                        );
                    text.Append($"<td><span class=\"{kind}\">{Text(figure)}</span></td>");
                }
                text.Append("</tr>");
            }
            text.Append("</table></div><br>");
        }
        return text.ToString();
    }

    private string Head(string key) =>
        _lines.TryGetValue(key, out var line) ? ResultTable.Title(line.Info) : MetricSet.TitleOf(key);

    // The figure and its place within the group; null: there is none.
    private (string Figure, int Place)? Cell(AblationGroup group, AblationRow row, string key)
    {
        if (!_lines.TryGetValue(key, out var line))
            return null;
        TableCell Of(AblationRow r) => line.Cells[Index(_recipe.MethodOf(r))];
        TableCell cell = Of(row);
        if (cell.Place < 0)
            return null;
        int[] better = [.. group.Rows.Select(r => Of(r).Place).Where(p => p >= 0).Distinct().Order()];
        return (cell.Text, Array.IndexOf(better, cell.Place));
    }

    private int Index(string method)
    {
        for (int i = 0; i < _methods.Count; i++)
        {
            if (_methods[i] == method)
                return i;
        }
        throw new InvalidOperationException($"'{method}' was not run");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
