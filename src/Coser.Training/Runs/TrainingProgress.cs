namespace Coser.Training.Runs;

/// <summary>How a run stands, reported as it goes.</summary>
/// <param name="Loss">Mean since the last report.</param>
/// <param name="StepsPerSecond">Since the last report.</param>
/// <param name="Waiting">Share of that time spent waiting for data, 0 to 1.</param>
/// <param name="Skipped">Steps of the whole run that were skipped because a loss or gradient was not finite.</param>
public sealed record TrainingProgress(
    long Step,
    long Steps,
    double Loss,
    double LearningRate,
    double GradientNorm,
    double StepsPerSecond,
    double Waiting,
    long Skipped,
    IReadOnlyDictionary<string, double>? Validation
);

/// <summary>A step of a run.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Loss">Of this step; NaN when it was skipped.</param>
/// <param name="StepsPerSecond">Since the last report.</param>
/// <param name="Waiting">Share of that time spent waiting for data, 0 to 1.</param>
public readonly record struct TrainingTick(long Step, long Steps, double Loss, double StepsPerSecond, double Waiting);
