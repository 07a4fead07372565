using Coser.Engine;
using Coser.Evaluation;
using Coser.Metrics.Catalogue;
using Coser.Restoration;

namespace Coser.Cli.Evaluating;

/// <summary>What <c>coser eval</c> was asked for, whatever it compares.</summary>
/// <param name="Hr">Null: there are no true images.</param>
/// <param name="Output">Null: nothing is kept.</param>
/// <param name="Limit">Only so many images; null: all.</param>
/// <param name="Shown">Images with crops in the report.</param>
internal sealed record EvaluationSettings(
    string Lr,
    string? Hr,
    EvaluationProtocol Protocol,
    string? Output,
    int? Limit,
    int Shown,
    Compute Compute,
    RestoreOptions Options,
    MetricSetOptions Metrics
);
