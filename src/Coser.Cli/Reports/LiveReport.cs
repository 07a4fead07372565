using Coser.Cli.Upscaling;
using Coser.Restoration;
using Spectre.Console;

namespace Coser.Cli.Reports;

/// <summary>Two moving bars on a terminal, all photos and the current one; a line above them for each finished photo.</summary>
internal sealed class LiveReport(CliHost host, bool verbose) : IUpscaleReport
{
    private int _files;
    private UpscaleTotals? _totals;
    private ProgressTask? _all;
    private ProgressTask? _current;

    public void Around(RunFacts facts, Action work)
    {
        _files = facts.Files;
        host.Console.Progress()
            .AutoClear(true)
            .HideCompleted(false)
            .Columns(
                new SpinnerColumn(Spinner.Known.Dots),
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn()
            )
            .Start(bars =>
            {
                if (_files > 1)
                    _all = bars.AddTask(Overall(0), maxValue: _files);
                _current = bars.AddTask("starting", maxValue: 1);
                work();
            });
        Close();
    }

    public void Begin(PlannedPhoto photo) => Show(photo, "opening", 0, 1);

    public void Progress(PlannedPhoto photo, RestoreProgress progress) =>
        Show(photo, progress.Stage, progress.Step, progress.Steps);

    public void Done(PlannedPhoto photo, RestoreOutcome outcome, long bytes, double seconds)
    {
        Line("[green]✓[/]", Lines.Done(photo, outcome, seconds));
        foreach (string note in outcome.Notes)
            Line("[yellow]![/]", $"{photo.Input.Name}: {note}");
        Advance();
    }

    public void Skipped(PlannedPhoto photo)
    {
        Line("[grey]-[/]", Lines.Skipped(photo));
        Advance();
    }

    // On standard error when the bars are gone: both streams are one screen here.
    public void Failed(PhotoFailure failure)
    {
        if (_files > 1)
            Line("[red]✗[/]", $"{failure.Input}: {failure.Reason}");
        Advance();
    }

    public void Finish(UpscaleTotals totals) => _totals = totals;

    private void Close()
    {
        if (_totals is not { } totals)
            return;
        if (_files > 1 || totals.Cancelled)
            host.Out.WriteLine(Lines.Totals(totals));
        if (_files > 1)
            Lines.WriteFailures(host.Error, totals);
        foreach (PhotoFailure failure in totals.Failures)
        {
            if (_files == 1)
                host.Complain($"{failure.Input}: {failure.Reason}", failure.Cause, verbose);
            else if (failure.Cause is not null && (verbose || host.Debug))
                host.Error.WriteLine(failure.Cause);
        }
    }

    private void Show(PlannedPhoto photo, string stage, int step, int steps)
    {
        if (_current is null)
            return;
        string count = steps > 1 ? $" {step}/{steps}" : "";
        _current.Description = Markup.Escape($"{Path.GetFileName(photo.Input.FullPath)}: {stage}{count}");
        _current.MaxValue = Math.Max(steps, 1);
        // A full bar means "finished" to the display; the stage's last step is not the photo's.
        _current.Value = Math.Min(step, _current.MaxValue - 1e-3);
    }

    private void Advance()
    {
        if (_all is null)
            return;
        _all.Increment(1);
        _all.Description = Overall((int)_all.Value);
    }

    private string Overall(int finished) => $"{finished} of {_files} photos";

    private void Line(string mark, string text) => host.Console.MarkupLine($"{mark} {Markup.Escape(text)}");
}
