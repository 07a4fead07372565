using Coser.Metrics.Catalogue;

namespace Coser.Evaluation;

/// <summary>What a run found: all that a report shows.</summary>
/// <param name="Methods">In the order they were given.</param>
/// <param name="Rows">A row a method and image.</param>
/// <param name="Metrics">Figures of images that at least one row has.</param>
/// <param name="SetFigures">By metric and method.</param>
/// <param name="Absent">What could not be computed.</param>
/// <param name="Folder">Where restored images lie: images/METHOD/NAME.png.</param>
public sealed record EvaluationResult(
    string Protocol,
    IReadOnlyList<EvaluationImage> Images,
    IReadOnlyList<string> Methods,
    IReadOnlyDictionary<string, string> Identities,
    IReadOnlyList<EvaluationRow> Rows,
    IReadOnlyList<MetricInfo> Metrics,
    IReadOnlyList<(MetricInfo Info, IReadOnlyDictionary<string, double> Values)> SetFigures,
    IReadOnlyList<AbsentMetric> Absent,
    string Folder
)
{
    /// <summary>The images and their preparation, in a clause.</summary>
    public string Description { get; init; } = "";

    /// <summary>Methods that were asked for and cannot be run: empty columns.</summary>
    public IReadOnlyList<PendingMethod> Pending { get; init; } = [];
}

/// <summary>A method that has a column and no figures yet.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Wanted">What it would take.</param>
/// <param name="Column">Its place among all columns, from 0; a place beyond them is the last.</param>
public sealed record PendingMethod(string Name, string Wanted, int Column = int.MaxValue);
