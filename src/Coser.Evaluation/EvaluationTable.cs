using System.Globalization;
using System.Text;

namespace Coser.Evaluation;

/// <summary>Means over a set of images, as text.</summary>
public static class EvaluationTable
{
    private static readonly (string Key, string Title, string Format)[] Columns =
    [
        ("psnr_rgb", "PSNR RGB (dB)", "0.00"),
        ("psnr_y", "PSNR Y (dB)", "0.00"),
        ("ssim_y", "SSIM Y", "0.0000"),
    ];

    /// <summary>A Markdown table: a row a method, in the order of their first appearance.</summary>
    public static string Markdown(IReadOnlyCollection<EvaluationRow> rows)
    {
        var text = new StringBuilder();
        text.AppendLine($"| method | {string.Join(" | ", Columns.Select(c => c.Title))} | s an image |");
        text.AppendLine("| --- |" + string.Concat(Enumerable.Repeat(" --- |", Columns.Length + 1)));
        foreach (IGrouping<string, EvaluationRow> method in rows.GroupBy(r => r.Method, StringComparer.Ordinal))
        {
            IEnumerable<string> means = Columns.Select(c =>
                method.Average(r => r.Values[c.Key]).ToString(c.Format, CultureInfo.InvariantCulture)
            );
            string seconds = method.Average(r => r.Seconds).ToString("0.00", CultureInfo.InvariantCulture);
            text.AppendLine($"| {method.Key} | {string.Join(" | ", means)} | {seconds} |");
        }
        return text.ToString();
    }

    /// <summary>Every row as comma-separated values with a header.</summary>
    public static string Csv(IReadOnlyCollection<EvaluationRow> rows)
    {
        var text = new StringBuilder();
        text.AppendLine($"method,image,{string.Join(',', Columns.Select(c => c.Key))},seconds");
        foreach (EvaluationRow row in rows)
        {
            IEnumerable<string> values = Columns.Select(c =>
                row.Values[c.Key].ToString("R", CultureInfo.InvariantCulture)
            );
            string seconds = row.Seconds.ToString("0.000", CultureInfo.InvariantCulture);
            text.AppendLine($"{Quote(row.Method)},{Quote(row.Image)},{string.Join(',', values)},{seconds}");
        }
        return text.ToString();
    }

    private static string Quote(string text) =>
        text.AsSpan().ContainsAny(",\"\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
