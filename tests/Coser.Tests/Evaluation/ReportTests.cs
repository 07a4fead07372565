using System.Text.RegularExpressions;
using Coser.Evaluation;
using Coser.Evaluation.Reports;
using Coser.Metrics.Catalogue;
using Coser.Metrics.Text;

namespace Coser.Tests.Evaluation;

public sealed partial class ReportTests
{
    [Fact]
    public void The_interval_of_a_mean_covers_what_theory_says()
    {
        using TorchSharp.torch.Tensor sample = Draw.Normal(1, 400);
        MeanFigure figure = Summary.Mean([.. sample.data<float>().Select(v => (double)v)]);
        double half = 1.96 / Math.Sqrt(400);
        Assert.Equal(figure.Mean - half, figure.Low, half * 0.2);
        Assert.Equal(figure.Mean + half, figure.High, half * 0.2);
        Assert.Equal(figure, Summary.Mean([.. sample.data<float>().Select(v => (double)v)]));
        Assert.Equal(new MeanFigure(3, 3, 3, 2), Summary.Mean([3, 3]));
        Assert.Equal(0, Summary.Mean([]).Count);
    }

    [Fact]
    public void Wins_count_by_the_metrics_own_direction()
    {
        (double, double)[] pairs = [(1, 2), (3, 2), (2, 2), (5, 0)];
        Assert.Equal(0.625, Summary.WinRate(pairs, Better.Higher));
        Assert.Equal(0.375, Summary.WinRate(pairs, Better.Lower));
        // Distances from 1: 0-1, 2-1, 1-1, 4-1.
        Assert.Equal(0.375, Summary.WinRate(pairs, Better.One));
    }

    [Fact]
    public void Equal_means_share_a_place()
    {
        var figures = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["a"] = 2,
            ["b"] = 3,
            ["c"] = 3,
            ["d"] = double.NaN,
        };
        IReadOnlyDictionary<string, int> places = Summary.Places(figures, Better.Higher);
        Assert.Equal([("a", 1), ("b", 0), ("c", 0)], places.Select(p => (p.Key, p.Value)));
    }

    [Fact]
    public void The_table_marks_the_best_and_the_second_and_names_what_is_absent()
    {
        using var set = new SmallSet();
        EvaluationResult result = Evaluate(set);
        string markdown = new ResultTable(result).Markdown("a machine");
        string psnr = markdown.Split('\n').Single(l => l.StartsWith("| PSNR RGB ↑", StringComparison.Ordinal));
        Assert.Matches(@"\| \*\*80\.00\*\* \(80\.00–80\.00\) \| <u>\d+\.\d\d</u> \(", psnr);
        Assert.Contains("Absent: LPIPS Alex (wants alex.pth", markdown, StringComparison.Ordinal);
        Assert.Contains("Protocol: 4 images; small pairs; border 0", markdown, StringComparison.Ordinal);
        Assert.Contains("Machine: a machine.", markdown, StringComparison.Ordinal);
        string[] csv = new ResultTable(result).Csv().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1 + 2 * SmallSet.Count, csv.Length);
        Assert.StartsWith("method,image,psnr_rgb,psnr_y,ssim_y,", csv[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_is_whole_and_shows_the_worst_first()
    {
        using var set = new SmallSet();
        EvaluationResult result = Evaluate(set);
        var report = new HtmlReport(result);
        string page = report.Write("<title> & co", "a machine", shown: 3);
        Assert.Contains("&lt;title&gt; &amp; co", page, StringComparison.Ordinal);
        Assert.DoesNotContain("{{", page, StringComparison.Ordinal);
        // Nothing is fetched from anywhere.
        Assert.DoesNotMatch("(src|href)=", page);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.Equal(3, Viewer().Count(page));
        // Four pictures of each: LR, two methods and the truth.
        Assert.Equal(12, page.Split("data:image/jpeg;base64,").Length - 1);
        Assert.Equal("haarpsi", report.Judge!.Key);
        double[] judged =
        [
            .. report
                .WorstFirst()
                .Select(i => result.Rows.Single(r => r.Method == "nearest" && r.Image == i.Name).Values["haarpsi"]),
        ];
        Assert.Equal(judged.Order(), judged);
    }

    [Fact]
    public void A_method_without_figures_has_an_empty_column_and_says_what_it_wants()
    {
        using var set = new SmallSet();
        EvaluationResult result = Evaluate(set) with { Pending = [new PendingMethod("StableSR", "its images")] };
        string markdown = new ResultTable(result).Markdown("a machine");
        Assert.StartsWith("| | lanczos | nearest | StableSR |", markdown, StringComparison.Ordinal);
        string[] table = [.. markdown.Split('\n').TakeWhile(l => l.StartsWith('|'))];
        Assert.All(table.Skip(2), l => Assert.EndsWith(" | – |", l.TrimEnd(), StringComparison.Ordinal));
        Assert.All(table, l => Assert.Equal(5, l.Count(c => c == '|')));
        Assert.Contains("- StableSR: no figures; it wants its images", markdown, StringComparison.Ordinal);
        string page = new HtmlReport(result).Write("t", "m", shown: 0);
        Assert.Contains("<th>StableSR</th>", page, StringComparison.Ordinal);
        Assert.Equal(result.Metrics.Count + 2, page.Split("<td>–</td></tr>").Length - 1 - WinsRows(result));
    }

    [Fact]
    public void Columns_stand_in_the_order_they_were_asked_for()
    {
        using var set = new SmallSet();
        EvaluationResult result = Evaluate(set) with
        {
            Pending = [new PendingMethod("RealSR", "a", Column: 0), new PendingMethod("LDM", "b", Column: 2)],
        };
        var table = new ResultTable(result);
        Assert.Equal(["RealSR", "lanczos", "LDM", "nearest"], table.Columns);
        string[] lines = [.. table.Markdown("a machine").Split('\n').TakeWhile(l => l.StartsWith('|'))];
        Assert.All(lines.Skip(2), l => Assert.Matches(@"^\|[^|]+\| – \|[^–|]+[^|]*\| – \|[^|]+\|\s*$", l));
        string page = new HtmlReport(result).Write("t", "m", shown: 0);
        Assert.Contains("<th>RealSR</th><th>lanczos</th><th>LDM</th><th>nearest</th>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sign_that_says_something_else_is_told_in_the_table_and_at_its_picture()
    {
        using var set = new SmallSet();
        EvaluationResult plain = Evaluate(set);
        EvaluationRow Read(EvaluationRow row, double words, params string[] notes) =>
            row with
            {
                Values = new Dictionary<string, double>(row.Values, StringComparer.Ordinal)
                {
                    [TextMetric.Key] = words,
                },
                Notes = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
                {
                    [TextMetric.Key] = notes,
                },
            };
        EvaluationResult result = plain with
        {
            Rows =
            [
                .. plain.Rows.Select(r =>
                    r.Image == "image3" ? r
                    : r is { Image: "image1", Method: "nearest" } ? Read(r, 1, "\"EXIT\" reads \"EX<T\"")
                    : Read(r, 0)
                ),
            ],
        };
        Assert.Equal(
            [
                "lanczos: text changed in 0 of 3 images with readable text.",
                "nearest: text changed in 1 of 3 images with readable text: image1.",
            ],
            TextWarnings.Of(result)
        );
        Assert.Contains("in 1 of 3 images", new ResultTable(result).Markdown("m"), StringComparison.Ordinal);
        string page = new HtmlReport(result).Write("t", "m");
        Assert.Contains(
            "Text changed by nearest: &quot;EXIT&quot; reads &quot;EX&lt;T&quot;",
            page,
            StringComparison.Ordinal
        );
        Assert.Equal(1, page.Split("Text changed by").Length - 1);
    }

    // Rows of the win tables whose last cell is a method against itself.
    private static int WinsRows(EvaluationResult result) => result.Metrics.Count;

    private static EvaluationResult Evaluate(SmallSet set)
    {
        using MetricSet metrics = MetricSet.Open();
        using var lanczos = new InterpolationMethod(lanczos: true);
        using var nearest = new CountingMethod();
        return new EvaluationRun(set.Output, metrics).Run("small pairs", set.Images, [lanczos, nearest]);
    }

    [GeneratedRegex("class=\"viewer\"", RegexOptions.None, 1000)]
    private static partial Regex Viewer();
}
