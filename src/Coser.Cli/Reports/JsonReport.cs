using Coser.Cli.Upscaling;
using Coser.Restoration;

namespace Coser.Cli.Reports;

/// <summary>One JSON object a line on standard output; docs/command.md lists the events. Messages go to standard error.</summary>
internal sealed class JsonReport(CliHost host, bool verbose) : IUpscaleReport
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private long _lastTime;
    private string? _lastStage;

    public void Around(RunFacts facts, Action work)
    {
        Write(
            new StartEvent(
                "start",
                BuildInfo.Version,
                facts.Model.Name,
                facts.Model.Folder,
                facts.Model.Hash,
                facts.Model.IsPreSrOnly,
                facts.Device,
                facts.Precision,
                facts.Scale,
                facts.Files
            )
        );
        work();
    }

    public void Begin(PlannedPhoto photo) => _lastStage = null;

    public void Progress(PlannedPhoto photo, RestoreProgress progress)
    {
        // The first and last step of a stage always, the others four times a second.
        bool same = progress.Stage == _lastStage;
        if (same && progress.Step < progress.Steps && host.Clock.GetElapsedTime(_lastTime) < Interval)
            return;
        (_lastStage, _lastTime) = (progress.Stage, host.Clock.GetTimestamp());
        Write(new ProgressEvent("progress", photo.Input.Name, progress.Stage, progress.Step, progress.Steps));
    }

    public void Done(PlannedPhoto photo, RestoreOutcome outcome, long bytes, double seconds) =>
        Write(
            new DoneEvent(
                "done",
                photo.Input.Name,
                photo.OutputName,
                outcome.InputWidth,
                outcome.InputHeight,
                outcome.Width,
                outcome.Height,
                bytes,
                Round(seconds),
                [.. outcome.Stages.Select(s => new StageEvent(s.Stage, Round(s.Seconds)))],
                outcome.Notes
            )
        );

    public void Skipped(PlannedPhoto photo) =>
        Write(new SkippedEvent("skipped", photo.Input.Name, photo.OutputName, "up to date"));

    public void Failed(PhotoFailure failure)
    {
        Write(new FailedEvent("failed", failure.Input, failure.Output, failure.Reason));
        host.Complain($"{failure.Input}: {failure.Reason}", failure.Cause, verbose);
    }

    public void Finish(UpscaleTotals totals) =>
        Write(
            new SummaryEvent(
                "summary",
                totals.Count,
                totals.Done,
                totals.Skipped,
                totals.Failures.Count,
                totals.NotTried,
                totals.Cancelled,
                Round(totals.Seconds),
                totals.ExitCode
            )
        );

    private void Write<T>(T value)
    {
        host.Out.WriteLine(CliJson.Line(value));
        host.Out.Flush();
    }

    private static double Round(double seconds) => Math.Round(seconds, 3);
}
