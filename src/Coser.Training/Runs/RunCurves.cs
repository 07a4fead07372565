using ScottPlot;

namespace Coser.Training.Runs;

/// <summary>The curves of a run: loss, learning rate and each figure of the validations over the steps.</summary>
public static class RunCurves
{
    private const int Columns = 2;
    private const int PanelWidth = 560;
    private const int PanelHeight = 320;

    // Skia is fast, but a hundred thousand points in 500 pixels say no more than a thousand.
    private const int MaxPoints = 2000;

    /// <summary>Draws <c>metrics.jsonl</c> as a PNG, beside its name and renamed.</summary>
    /// <returns>Panels drawn: 0, and no file, when there is nothing to draw.</returns>
    public static int Draw(string metricsPath, string pngPath)
    {
        IReadOnlyList<MetricLine> lines = RunMetrics.Read(metricsPath);
        (string Title, MetricLine[] Lines)[] panels =
        [
            .. Names(lines)
                .Select(name => (name, lines.Where(l => l.Values.ContainsKey(name)).ToArray()))
                .Where(p => p.Item2.Length > 0),
        ];
        if (panels.Length == 0)
            return 0;
        int columns = Math.Min(Columns, panels.Length);
        int rows = (panels.Length + columns - 1) / columns;
        var page = new Multiplot();
        page.AddPlots(rows * columns);
        page.Layout = new ScottPlot.MultiplotLayouts.Grid(rows, columns);
        for (int i = 0; i < panels.Length; i++)
            Fill(page.GetPlot(i), panels[i].Title, panels[i].Lines);
        for (int i = panels.Length; i < rows * columns; i++)
        {
            page.GetPlot(i).Layout.Frameless();
            page.GetPlot(i).HideGrid();
        }
        string temporary = pngPath + ".tmp.png";
        page.SavePng(temporary, columns * PanelWidth, rows * PanelHeight);
        File.Move(temporary, pngPath, overwrite: true);
        return panels.Length;
    }

    private static IEnumerable<string> Names(IReadOnlyList<MetricLine> lines) =>
        ((string[])["loss", "lr"]).Concat(
            lines
                .SelectMany(l => l.Values.Keys)
                .Where(k => k.StartsWith(RunMetrics.ValidationPrefix, StringComparison.Ordinal))
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
        );

    private static void Fill(Plot plot, string name, MetricLine[] lines)
    {
        int stride = (lines.Length + MaxPoints - 1) / MaxPoints;
        MetricLine[] points = [.. lines.Where((_, i) => i % stride == 0 || i == lines.Length - 1)];
        ScottPlot.Plottables.Scatter curve = plot.Add.Scatter(
            points.Select(l => (double)l.Step).ToArray(),
            points.Select(l => l.Values[name]).ToArray()
        );
        curve.MarkerSize = points.Length > 60 ? 0 : 5;
        curve.LineWidth = 1.5f;
        plot.Title(name);
        plot.XLabel("step");
    }
}
