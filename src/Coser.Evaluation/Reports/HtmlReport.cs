using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Coser.Imaging;
using Coser.Metrics.Catalogue;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation.Reports;

/// <summary>A run as one page that needs nothing else: tables, and crops of the worst images side by side under a slider.</summary>
public sealed class HtmlReport(EvaluationResult result)
{
    private const int CropSide = 256;
    private const int Quality = 90;
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
    public string Write(string title, string machine, int shown = 24)
    {
        var cards = new StringBuilder();
        foreach (EvaluationImage image in WorstFirst().Take(shown))
            cards.Append(Card(image));
        return Resource("report.html")
            .Replace("{{title}}", Text(title), StringComparison.Ordinal)
            .Replace("{{table}}", Table(), StringComparison.Ordinal)
            .Replace("{{wins}}", Wins(), StringComparison.Ordinal)
            .Replace("{{absent}}", Absent(), StringComparison.Ordinal)
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
        foreach (string method in result.Methods)
            text.Append($"<th>{Text(method)}</th>");
        text.Append("</tr>");
        foreach ((MetricInfo info, IReadOnlyList<TableCell> cells) in _table.Lines())
        {
            text.Append($"<tr><th title=\"{Text(info.Convention)}\">{Text(ResultTable.Title(info))}</th>");
            foreach (TableCell cell in cells)
            {
                string kind = cell.Place switch
                {
                    0 => " class=\"best\"",
                    1 => " class=\"second\"",
                    _ => "",
                };
                text.Append($"<td><span{kind}>{Text(cell.Text)}</span><small>{Text(cell.Interval)}</small></td>");
            }
            text.Append("</tr>");
        }
        (string Method, double Seconds, double Megabytes)[] costs = [.. _table.Costs()];
        text.Append("<tr><th>s an image</th>");
        foreach ((_, double seconds, _) in costs)
            text.Append($"<td>{Number(seconds, "0.00")}</td>");
        text.Append("</tr><tr><th>peak memory, MB</th>");
        foreach ((_, _, double megabytes) in costs)
            text.Append($"<td>{Number(megabytes, "0")}</td>");
        return text.Append("</tr>").ToString();
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
                        method == other ? "<td>–</td>" : $"<td>{Number(_table.WinRate(method, other, info), "0%")}</td>"
                    );
                text.Append("</tr>");
            }
            text.Append("</table>");
        }
        return text.ToString();
    }

    private string Absent() =>
        result.Absent.Count == 0
            ? ""
            : "Absent: "
                + string.Join("; ", result.Absent.Select(a => $"{Text(a.Title)} (wants {Text(a.Wanted)})"))
                + ".";

    private string Identities() =>
        string.Concat(result.Identities.Select(i => $"<li><b>{Text(i.Key)}</b>: {Text(i.Value)}</li>"))
        + $"<li>still to come: {string.Join(", ", ResultTable.StillToCome)}</li>";

    private string Card(EvaluationImage image)
    {
        var pictures = new List<(string Name, string Data)>();
        (int top, int left, int height, int width) = (0, 0, 0, 0);
        using (var scope = NewDisposeScope())
        {
            foreach (string method in result.Methods)
            {
                Tensor full = PhotoTensor.Read(
                    Path.Combine(result.Folder, "images", FileName.Of(method), image.Name + ".png")
                );
                if (height == 0)
                {
                    (height, width) = ((int)Math.Min(CropSide, full.shape[2]), (int)Math.Min(CropSide, full.shape[3]));
                    (top, left) = Busiest(full, height, width);
                }
                pictures.Add((method, Encode(full.narrow(2, top, height).narrow(3, left, width))));
            }
            if (image.Hr is not null)
                pictures.Add(("HR", Encode(PhotoTensor.Read(image.Hr).narrow(2, top, height).narrow(3, left, width))));
        }
        var figures = new StringBuilder("<table class=\"figures\"><tr><th></th>");
        foreach (MetricInfo info in result.Metrics)
            figures.Append($"<th>{Text(info.Title)}</th>");
        figures.Append("</tr>");
        foreach (EvaluationRow row in result.Rows.Where(r => r.Image == image.Name))
        {
            figures.Append($"<tr><th>{Text(row.Method)}</th>");
            foreach (MetricInfo info in result.Metrics)
                figures.Append(
                    $"<td>{(row.Values.TryGetValue(info.Key, out double v) ? Number(v, info.Format) : "–")}</td>"
                );
            figures.Append("</tr>");
        }
        figures.Append("</table>");
        string data = WebUtility.HtmlEncode(
            JsonSerializer.Serialize(pictures.Select(p => new { name = p.Name, data = p.Data }))
        );
        return $"<section class=\"card\"><h3>{Text(image.Name)}</h3>"
            + $"<div class=\"viewer\" data-width=\"{width}\" data-height=\"{height}\" data-pictures=\"{data}\"></div>"
            + $"<details><summary>figures</summary>{figures}</details></section>";
    }

    // Where most happens: the crop of the greatest gradient energy, on a grid of halves of its side.
    private static (int Top, int Left) Busiest(Tensor image, int height, int width)
    {
        using var scope = NewDisposeScope();
        Tensor luma = image.mean([1]);
        (int h, int w) = ((int)image.shape[2], (int)image.shape[3]);
        if (h < 2 || w < 2)
            return (0, 0);
        Tensor energy = luma.diff(dim: 1).square().narrow(2, 0, w - 1) + luma.diff(dim: 2).square().narrow(1, 0, h - 1);
        (double Most, int Top, int Left) best = (-1, 0, 0);
        for (int top = 0; top <= h - height; top += Math.Max(1, height / 2))
        {
            for (int left = 0; left <= w - width; left += Math.Max(1, width / 2))
            {
                double sum = energy.narrow(1, top, height - 1).narrow(2, left, width - 1).sum().item<float>();
                if (sum > best.Most)
                    best = (sum, top, left);
            }
        }
        return (best.Top, best.Left);
    }

    private static string Encode(Tensor crop)
    {
        string file = Path.Combine(Path.GetTempPath(), $"coser-{Guid.NewGuid():n}.jpg");
        try
        {
            using Photo photo = Photo.FromPixels(crop.contiguous());
            photo.Save(file, new SaveOptions { Quality = Quality });
            return "data:image/jpeg;base64," + Convert.ToBase64String(File.ReadAllBytes(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Coser.Evaluation." + name)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
