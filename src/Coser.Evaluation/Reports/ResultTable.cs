using System.Globalization;
using System.Text;
using Coser.Metrics.Catalogue;

namespace Coser.Evaluation.Reports;

/// <summary>One figure of one method in the table.</summary>
/// <param name="Place">0: the best; 1: the second; -1: there is no figure.</param>
public sealed record TableCell(string Text, string Interval, int Place);

/// <summary>The table of a run: a row a metric, a column a method, as papers set it.</summary>
public sealed class ResultTable
{
    private readonly EvaluationResult _result;
    private readonly ILookup<string, EvaluationRow> _rows;

    /// <param name="result">What to show.</param>
    public ResultTable(EvaluationResult result)
    {
        _result = result;
        Columns = Spread(result.Methods, p => p.Name);
        _rows = result.Rows.ToLookup(r => r.Method, StringComparer.Ordinal);
    }

    /// <summary>Methods in the order they were asked for, those without figures included.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Metrics with a cell for each method that has figures.</summary>
    public IEnumerable<(MetricInfo Info, IReadOnlyList<TableCell> Cells)> Lines()
    {
        foreach (MetricInfo info in _result.Metrics)
        {
            var means = _result.Methods.ToDictionary(
                m => m,
                m => Summary.Mean(Values(m, info)),
                StringComparer.Ordinal
            );
            var places = Summary.Places(
                means.ToDictionary(m => m.Key, m => m.Value.Mean, StringComparer.Ordinal),
                info.Better
            );
            yield return (
                info,
                [.. _result.Methods.Select(m => Cell(info, means[m], places.GetValueOrDefault(m, -1)))]
            );
        }
        foreach (
            (MetricInfo info, IReadOnlyDictionary<string, double> values) in _result.SetFigures.Where(s =>
                s.Values.Count > 0
            )
        )
        {
            var places = Summary.Places(values, info.Better);
            yield return (
                info,
                [
                    .. _result.Methods.Select(m => new TableCell(
                        Number(values[m], info.Format),
                        "",
                        places.GetValueOrDefault(m, -1)
                    )),
                ]
            );
        }
    }

    /// <summary>
    /// Win rates of every method (row) against every other (column) by one metric; not a number where they have no image in
    /// common.
    /// </summary>
    public double WinRate(string method, string other, MetricInfo info)
    {
        var second = _rows[other].ToDictionary(r => r.Image, StringComparer.Ordinal);
        return Summary.WinRate(
            [
                .. _rows[method]
                    .Where(r => r.Values.ContainsKey(info.Key) && second[r.Image].Values.ContainsKey(info.Key))
                    .Select(r => (r.Values[info.Key], second[r.Image].Values[info.Key])),
            ],
            info.Better
        );
    }

    /// <summary>Seconds and megabytes an image, in the order of the methods.</summary>
    public IEnumerable<(string Method, double Seconds, double Megabytes)> Costs() =>
        _result.Methods.Select(m =>
            (
                m,
                _rows[m].Select(r => r.Seconds).DefaultIfEmpty().Average(),
                _rows[m].Select(r => r.PeakMegabytes).DefaultIfEmpty().Max()
            )
        );

    /// <summary>Markdown: best bold, second underlined; win rates; what is absent; the protocol line.</summary>
    public string Markdown(string machine)
    {
        var text = new StringBuilder();
        text.AppendLine(Row("", Columns));
        text.AppendLine($"| --- |{string.Concat(Enumerable.Repeat(" --- |", Columns.Count))}");
        foreach ((MetricInfo info, IReadOnlyList<TableCell> cells) in Lines())
            text.AppendLine(Row(Title(info), Spread(cells.Select(Mark), Nothing)));
        (string Method, double Seconds, double Megabytes)[] costs = [.. Costs()];
        text.AppendLine(Row("s an image", Spread(costs.Select(c => Number(c.Seconds, "0.00")), Nothing)));
        text.AppendLine(Row("peak memory, MB", Spread(costs.Select(c => Number(c.Megabytes, "0")), Nothing)));
        text.AppendLine();
        text.AppendLine("Means with 95% bootstrap intervals over images; best **bold**, second <u>underlined</u>.");
        foreach (string sentence in TextWarnings.Of(_result))
            text.AppendLine().AppendLine(sentence);
        if (_result.Methods.Count > 1)
        {
            text.AppendLine();
            text.AppendLine($"Share of images on which a method beats {_result.Methods[0]} (ties count half):");
            text.AppendLine();
            text.AppendLine($"| | {string.Join(" | ", _result.Methods.Skip(1))} |");
            text.AppendLine($"| --- |{string.Concat(Enumerable.Repeat(" --- |", _result.Methods.Count - 1))}");
            foreach (MetricInfo info in _result.Metrics)
            {
                IEnumerable<string> rates = _result
                    .Methods.Skip(1)
                    .Select(m => Number(WinRate(m, _result.Methods[0], info), "0%"));
                text.AppendLine($"| {info.Title} | {string.Join(" | ", rates)} |");
            }
        }
        foreach (AbsentMetric absent in _result.Absent)
            text.Append(absent == _result.Absent[0] ? "\nAbsent: " : "; ")
                .Append($"{absent.Title} (wants {absent.Wanted})");
        text.AppendLine(_result.Absent.Count > 0 ? "." : "");
        text.AppendLine();
        text.AppendLine($"Protocol: {_result.Protocol}.");
        text.AppendLine();
        text.AppendLine($"Machine: {machine}.");
        text.AppendLine();
        foreach ((string method, string identity) in _result.Identities)
            text.AppendLine($"- {method}: {identity}");
        foreach (PendingMethod pending in _result.Pending)
            text.AppendLine($"- {pending.Name}: no figures; it wants {pending.Wanted}");
        return text.ToString();

        static string Nothing(PendingMethod _) => "–";
    }

    /// <summary>One value a column, of one a method with figures.</summary>
    /// <param name="pending">The others' value.</param>
    internal IReadOnlyList<T> Spread<T>(IEnumerable<T> ofMethods, Func<PendingMethod, T> pending)
    {
        List<T> all = [.. ofMethods];
        foreach (PendingMethod method in _result.Pending.OrderBy(p => p.Column))
            all.Insert(Math.Min(method.Column, all.Count), pending(method));
        return all;
    }

    private static string Row(string head, IEnumerable<string> cells) =>
        $"|{(head.Length > 0 ? $" {head}" : "")} | {string.Join(" | ", cells)} |";

    /// <summary>Markdown of what several seeds showed; empty: nothing was run with several.</summary>
    public static string Markdown(IReadOnlyList<Stability> stabilities, IReadOnlyList<MetricInfo> metrics)
    {
        if (stabilities.Count == 0)
            return "";
        var text = new StringBuilder();
        text.AppendLine();
        text.AppendLine(
            $"Stability over {stabilities[0].Seeds} seeds: G-STD of each figure, L-STD in levels of 0-255."
        );
        text.AppendLine();
        text.AppendLine($"| | {string.Join(" | ", stabilities.Select(s => s.Method))} |");
        text.AppendLine($"| --- |{string.Concat(Enumerable.Repeat(" --- |", stabilities.Count))}");
        foreach (MetricInfo info in metrics.Where(m => stabilities.Any(s => s.Global.ContainsKey(m.Key))))
        {
            IEnumerable<string> cells = stabilities.Select(s =>
                s.Global.TryGetValue(info.Key, out double v) ? Number(v, info.Format + "0") : "–"
            );
            text.AppendLine($"| G-STD {info.Title} | {string.Join(" | ", cells)} |");
        }
        text.AppendLine($"| L-STD | {string.Join(" | ", stabilities.Select(s => Number(s.Local, "0.00")))} |");
        return text.ToString();
    }

    /// <summary>Every row as comma-separated values with a header.</summary>
    public string Csv()
    {
        var text = new StringBuilder();
        text.AppendLine($"method,image,{string.Join(',', _result.Metrics.Select(m => m.Key))},seconds,peak_megabytes");
        foreach (EvaluationRow row in _result.Rows)
        {
            IEnumerable<string> values = _result.Metrics.Select(m =>
                row.Values.TryGetValue(m.Key, out double v) ? v.ToString("R", CultureInfo.InvariantCulture) : ""
            );
            text.AppendLine(
                $"{Quote(row.Method)},{Quote(row.Image)},{string.Join(',', values)},{Number(row.Seconds, "0.000")},{Number(row.PeakMegabytes, "0.0")}"
            );
        }
        return text.ToString();
    }

    /// <summary>A metric's name with an arrow to the better side.</summary>
    public static string Title(MetricInfo info) =>
        info.Better switch
        {
            Better.Higher => info.Title + " ↑",
            Better.Lower => info.Title + " ↓",
            _ => info.Title + " → 1",
        };

    private double[] Values(string method, MetricInfo info) =>
        [
            .. _rows[method]
                .Where(r => r.Values.ContainsKey(info.Key))
                .Select(r => r.Values[info.Key])
                .Where(v => !double.IsNaN(v)),
        ];

    private TableCell Cell(MetricInfo info, MeanFigure figure, int place)
    {
        if (figure.Count == 0)
            return new TableCell("–", "", -1);
        string some = figure.Count < _result.Images.Count ? $" of {figure.Count}" : "";
        return new TableCell(
            Number(figure.Mean, info.Format) + some,
            $"{Number(figure.Low, info.Format)}–{Number(figure.High, info.Format)}",
            place
        );
    }

    private static string Mark(TableCell cell)
    {
        string text = cell.Place switch
        {
            0 => $"**{cell.Text}**",
            1 => $"<u>{cell.Text}</u>",
            _ => cell.Text,
        };
        return cell.Interval.Length > 0 ? $"{text} ({cell.Interval})" : text;
    }

    /// <summary>A dash for what is no number.</summary>
    internal static string Number(double value, string format) =>
        double.IsNaN(value) ? "–" : value.ToString(format, CultureInfo.InvariantCulture);

    private static string Quote(string text) =>
        text.AsSpan().ContainsAny(",\"\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
