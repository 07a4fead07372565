using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Coser.Metrics.Catalogue;

namespace Coser.Evaluation.Reports;

/// <summary>A run as one page that needs nothing else: tables, and crops of the worst images side by side under a slider.</summary>
public sealed class HtmlReport(EvaluationResult result)
{
    private readonly ResultTable _table = new(result);

    // By what images are ordered, the first that is there: closest to people first.
    private static readonly string[] Judges = ["lpips_alex", "dists", "haarpsi", "ssim_y", "niqe"];

    /// <summary>The metric that says which images are worst; null: there is none.</summary>
    public MetricInfo? Judge { get; } =
        Judges.Select(k => result.Metrics.FirstOrDefault(m => m.Key == k)).FirstOrDefault(m => m is not null);

    /// <summary>Images by the last method's figure, the worst first.</summary>
    public IReadOnlyList<EvaluationImage> WorstFirst()
    {
        if (Judge is null || result.Methods.Count == 0)
            return result.Images;
        var cost = result
            .Rows.Where(r => r.Method == result.Methods[^1] && r.Values.ContainsKey(Judge.Key))
            .ToDictionary(r => r.Image, r => Summary.Cost(r.Values[Judge.Key], Judge.Better), StringComparer.Ordinal);
        return [.. result.Images.OrderByDescending(i => cost.GetValueOrDefault(i.Name, double.NegativeInfinity))];
    }

    /// <summary>The page.</summary>
    /// <param name="title">Its heading.</param>
    /// <param name="machine">What it ran on.</param>
    /// <param name="shown">Images with crops, the worst; each adds about 50 kB a method.</param>
    /// <param name="extra">HTML that goes before the table.</param>
    public string Write(string title, string machine, int shown = 24, string extra = "")
    {
        var cards = new StringBuilder();
        int place = 0;
        foreach (EvaluationImage image in WorstFirst().Take(shown))
            cards.Append(Card(++place, image));
        return Resource("report.html")
            .Replace("{{title}}", Text(title), StringComparison.Ordinal)
            .Replace("{{table}}", Table(), StringComparison.Ordinal)
            .Replace("{{wins}}", Wins(), StringComparison.Ordinal)
            .Replace("{{absent}}", Absent(), StringComparison.Ordinal)
            .Replace("{{summary}}", Text(Counted()), StringComparison.Ordinal)
            .Replace("{{extra}}", extra, StringComparison.Ordinal)
            .Replace("{{text}}", Warnings(), StringComparison.Ordinal)
            .Replace("{{protocol}}", Text(result.Protocol), StringComparison.Ordinal)
            .Replace("{{machine}}", Text(machine), StringComparison.Ordinal)
            .Replace("{{identities}}", Identities(), StringComparison.Ordinal)
            .Replace("{{order}}", Text(Order()), StringComparison.Ordinal)
            .Replace("{{cards}}", cards.ToString(), StringComparison.Ordinal);
    }

    private string Order() =>
        Judge is null ? "in the order of names" : $"worst first by {Judge.Title} of {result.Methods[^1]}";

    private string Table()
    {
        var text = new StringBuilder("<tr><th></th>");
        foreach (string method in _table.Columns)
            text.Append($"<th>{Text(method)}</th>");
        text.Append("</tr>");
        foreach ((MetricInfo info, IReadOnlyList<TableCell> cells) in _table.Lines())
        {
            string head = $"<th title=\"{Text(info.Convention)}\">{Text(ResultTable.Title(info))}</th>";
            Add(head, cells.Select(c => $"{Marked(c.Text, c.Place)}<small>{Text(c.Interval)}</small>"));
        }
        (string Method, double Seconds, double Megabytes)[] costs = [.. _table.Costs()];
        Add("<th>s an image</th>", costs.Select(c => ResultTable.Number(c.Seconds, "0.00")));
        Add("<th>peak memory, MB</th>", costs.Select(c => ResultTable.Number(c.Megabytes, "0")));
        return text.ToString();

        void Add(string head, IEnumerable<string> cells)
        {
            text.Append("<tr>").Append(head);
            foreach (string cell in _table.Spread(cells, _ => "–"))
                text.Append($"<td>{cell}</td>");
            text.Append("</tr>");
        }
    }

    private string Wins()
    {
        if (result.Methods.Count < 2)
            return "";
        var text = new StringBuilder();
        foreach (MetricInfo info in result.Metrics)
        {
            text.Append($"<table><caption>{Text(ResultTable.Title(info))}</caption><tr><th></th>");
            foreach (string other in result.Methods)
                text.Append($"<th>{Text(other)}</th>");
            text.Append("</tr>");
            foreach (string method in result.Methods)
            {
                text.Append($"<tr><th>{Text(method)}</th>");
                foreach (string other in result.Methods)
                    text.Append(
                        method == other
                            ? "<td>–</td>"
                            : $"<td>{ResultTable.Number(_table.WinRate(method, other, info), "0%")}</td>"
                    );
                text.Append("</tr>");
            }
            text.Append("</table>");
        }
        return text.ToString();
    }

    private string Absent()
    {
        if (result.Absent.Count == 0)
            return "";
        string items = string.Concat(
            result.Absent.Select(a => $"<li><b>{Text(a.Title)}</b> wants {Text(a.Wanted)}</li>")
        );
        return $"<details><summary>{result.Absent.Count} metrics are absent: "
            + $"{Text(string.Join(", ", result.Absent.Select(a => a.Title)))}</summary><ul>{items}</ul></details>";
    }

    private string Warnings() =>
        string.Concat(
            TextWarnings
                .Of(result)
                .Select(s =>
                    $"<p{(s.Contains(" in 0 of ", StringComparison.Ordinal) ? "" : " class=\"warning\"")}>{Text(s)}</p>"
                )
        );

    private string Counted() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Images.Count} images, {result.Methods.Count} methods; {result.Description}"
        );

    private string Identities() =>
        string.Concat(result.Identities.Select(i => $"<li><b>{Text(i.Key)}</b>: {Text(i.Value)}</li>"))
        + string.Concat(
            result.Pending.Select(p => $"<li><b>{Text(p.Name)}</b>: no figures; it wants {Text(p.Wanted)}</li>")
        );

    private string Card(int place, EvaluationImage image)
    {
        (int width, int height, IReadOnlyList<CropPicture> pictures) = Crops.Of(result, image);
        EvaluationRow[] rows = [.. result.Rows.Where(r => r.Image == image.Name)];
        string data = WebUtility.HtmlEncode(
            JsonSerializer.Serialize(pictures.Select(p => new { name = p.Name, data = p.Data }))
        );
        var text = new StringBuilder("<section class=\"card\">");
        text.Append($"<h3>{place}. {Text(image.Name)}{JudgedBy(rows)}</h3>");
        foreach (EvaluationRow row in rows.Where(r => TextWarnings.Of(r).Count > 0))
            text.Append(
                $"<p class=\"warning\">Text changed by {Text(row.Method)}: {Text(string.Join(", ", TextWarnings.Of(row)))}</p>"
            );
        text.Append(
            $"<div class=\"viewer\" data-width=\"{width}\" data-height=\"{height}\" data-pictures=\"{data}\"></div>"
        );
        return text.Append($"<details><summary>Figures</summary>{Figures(rows)}</details></section>").ToString();
    }

    private string JudgedBy(EvaluationRow[] rows) =>
        Judge is not null
        && Array.Find(rows, r => r.Method == result.Methods[^1]) is { } last
        && last.Values.TryGetValue(Judge.Key, out double figure)
            ? $"<small>{Text(Judge.Title)} {ResultTable.Number(figure, Judge.Format)}</small>"
            : "";

    // A row a metric: there are more metrics than methods.
    private string Figures(EvaluationRow[] rows)
    {
        var text = new StringBuilder("<table class=\"figures\"><tr><th></th>");
        foreach (EvaluationRow row in rows)
            text.Append($"<th>{Text(row.Method)}</th>");
        text.Append("</tr>");
        foreach (MetricInfo info in result.Metrics.Where(m => Array.Exists(rows, r => r.Values.ContainsKey(m.Key))))
        {
            var places = Summary.Places(
                rows.Where(r => r.Values.ContainsKey(info.Key))
                    .ToDictionary(r => r.Method, r => r.Values[info.Key], StringComparer.Ordinal),
                info.Better
            );
            text.Append($"<tr><th>{Text(ResultTable.Title(info))}</th>");
            foreach (EvaluationRow row in rows)
            {
                string number = row.Values.TryGetValue(info.Key, out double v)
                    ? ResultTable.Number(v, info.Format)
                    : "–";
                text.Append($"<td>{Marked(number, places.GetValueOrDefault(row.Method, -1))}</td>");
            }
            text.Append("</tr>");
        }
        return text.Append("</table>").ToString();
    }

    private static string Marked(string text, int place) =>
        place switch
        {
            0 => $"<span class=\"best\">{Text(text)}</span>",
            1 => $"<span class=\"second\">{Text(text)}</span>",
            _ => $"<span>{Text(text)}</span>",
        };

    private static string Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Coser.Evaluation." + name)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
