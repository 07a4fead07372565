using System.Globalization;
using Coser.Cli.Models;
using Coser.Training.Runs;
using Spectre.Console;

namespace Coser.Cli.Training;

/// <summary>Shows a training as it goes.</summary>
internal interface ITrainReport : IProgress<TrainingProgress>, IProgress<TrainingTick>
{
    /// <summary>Shows while <paramref name="work"/> runs, on the caller's thread.</summary>
    void Around(Action work);
}

/// <summary>A line whenever one goes into metrics.jsonl.</summary>
internal sealed class PlainTrainReport(TextWriter output) : ITrainReport
{
    public void Around(Action work) => work();

    public void Report(TrainingProgress value) => output.WriteLine(Line(value));

    public void Report(TrainingTick value) { }

    public static string Line(TrainingProgress value)
    {
        string figures = value.Validation is null
            ? ""
            : "  " + string.Join(' ', value.Validation.Select(v => $"{v.Key} {v.Value:f4}"));
        string skipped = value.Skipped == 0 ? "" : $"  {value.Skipped} skipped, not finite";
        return $"step {value.Step}/{value.Steps}  loss {value.Loss:f5}  lr {value.LearningRate:g3}  "
            + $"{value.StepsPerSecond:f2} it/s  waiting {value.Waiting:p1}  "
            + $"left {Left(value.Steps - value.Step, value.StepsPerSecond)}{skipped}{figures}";
    }

    /// <summary>Time of so many steps; "?" when there is no speed to tell.</summary>
    public static string Left(long steps, double perSecond) => perSecond > 0 ? Time(steps / perSecond) : "?";

    /// <summary>"12 s", "12 min", "1:05 h", "3 d 4:10 h".</summary>
    public static string Time(double seconds)
    {
        var time = TimeSpan.FromSeconds(Math.Min(seconds, 1e9));
        if (time.TotalSeconds < 100)
            return string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:f0} s");
        if (time.TotalHours < 1)
            return string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:f0} min");
        string hours = time.ToString(@"h\:mm", CultureInfo.InvariantCulture) + " h";
        return time.Days > 0 ? $"{time.Days} d {hours}" : hours;
    }
}

/// <summary>A bar on a terminal that moves with every step; above it a line for each one of metrics.jsonl.</summary>
internal sealed class LiveTrainReport(CliHost host) : ITrainReport
{
    private const double Period = 0.2;
    private ProgressTask? _bar;
    private double _loss = double.NaN;
    private long _shown = long.MinValue;

    public void Around(Action work) =>
        host
            .Console.Progress()
            .AutoClear(true)
            .HideCompleted(false)
            .Columns(
                new SpinnerColumn(Spinner.Known.Dots),
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn { Width = 20 },
                new PercentageColumn()
            )
            .Start(bars =>
            {
                _bar = bars.AddTask("first step", maxValue: 1);
                work();
            });

    public void Report(TrainingProgress value) => host.Console.MarkupLine(Markup.Escape(PlainTrainReport.Line(value)));

    public void Report(TrainingTick value)
    {
        // A running mean: single batches jump about.
        if (double.IsFinite(value.Loss))
            _loss = double.IsFinite(_loss) ? 0.9 * _loss + 0.1 * value.Loss : value.Loss;
        long now = host.Clock.GetTimestamp();
        bool early = _shown != long.MinValue && host.Clock.GetElapsedTime(_shown, now).TotalSeconds < Period;
        if (_bar is null || early && value.Step < value.Steps)
            return;
        _shown = now;
        _bar.MaxValue = value.Steps;
        _bar.Value = value.Step;
        _bar.Description = Markup.Escape(Description(value));
    }

    private string Description(TrainingTick value) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"step {value.Step}/{value.Steps}  loss {_loss:f5}  {value.StepsPerSecond:f2} it/s  data wait {value.Waiting:p1}  "
        )
        + $"{Sizes.Bytes(Environment.WorkingSet)}  left "
        + PlainTrainReport.Left(value.Steps - value.Step, value.StepsPerSecond);
}
