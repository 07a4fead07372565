using Coser.Cli.Reports;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Cli.Upscaling;

/// <summary>
/// Restores the planned photos one after another: skips what is done, redoes what has changed, goes on after a failure.
/// </summary>
internal sealed class UpscaleRun(
    IPhotoRestorer restorer,
    UpscaleSettings settings,
    IUpscaleReport report,
    TimeProvider clock
)
{
    /// <summary>Runs the plan and reports all of it. Never throws for a photo's sake.</summary>
    public UpscaleTotals Execute(
        IReadOnlyList<PlannedPhoto> plan,
        IReadOnlyList<InputProblem> problems,
        CancellationToken cancel
    )
    {
        long start = clock.GetTimestamp();
        var totals = new UpscaleTotals();
        foreach (InputProblem problem in problems)
            totals = Fail(totals, new PhotoFailure(problem.Name, null, problem.Reason, null));
        foreach (PlannedPhoto photo in plan)
        {
            try
            {
                cancel.ThrowIfCancellationRequested();
                report.Begin(photo);
                totals = One(photo, cancel)
                    ? totals with
                    {
                        Done = totals.Done + 1,
                    }
                    : totals with
                    {
                        Skipped = totals.Skipped + 1,
                    };
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                totals = totals with { Cancelled = true };
                break;
            }
            // Whatever goes wrong with one photo, out of memory and native failures included, the others get their turn.
            catch (Exception e)
            {
                string reason = FailureText.For(e, photo.Input.Name, photo.Input.FullPath);
                totals = Fail(totals, new PhotoFailure(photo.Input.Name, photo.OutputName, reason, e));
                if (FailureText.IsFatal(e))
                    break;
            }
        }
        int finished = totals.Done + totals.Skipped + totals.Failures.Count;
        totals = totals with { NotTried = plan.Count + problems.Count - finished, Seconds = Seconds(start) };
        report.Finish(totals);
        return totals;
    }

    // True when the photo was restored, false when its result is already there.
    private bool One(PlannedPhoto photo, CancellationToken cancel)
    {
        long start = clock.GetTimestamp();
        OutputRecord record = Record(photo, cancel);
        if (File.Exists(photo.Output) && !settings.Overwrite && IsUpToDate(photo, record))
        {
            report.Skipped(photo);
            return false;
        }
        IReadOnlyList<string> created = OutputFolder.Prepare(photo.Output);
        try
        {
            var job = new RestoreJob(
                photo.Input.FullPath,
                photo.Output,
                settings.Options with
                {
                    Scale = settings.Scale,
                    Resume = new ResumeStore(StateFolder(photo.Output), record.ToText()),
                },
                new SaveOptions
                {
                    Format = photo.Format,
                    Quality = settings.Quality,
                    Record = record.ToText(),
                },
                settings.ReferenceFile,
                settings.SaveReference ? Beside(Path.GetDirectoryName(photo.Output)!, photo, ".reference.png") : null,
                settings.StagesFolder is { } folder ? Beside(folder, photo, "") : null
            );
            RestoreOutcome outcome = restorer.Restore(job, new Relay(report, photo), cancel);
            report.Done(photo, outcome, new FileInfo(photo.Output).Length, Seconds(start));
            return true;
        }
        catch
        {
            OutputFolder.Undo(created);
            throw;
        }
    }

    private bool IsUpToDate(PlannedPhoto photo, OutputRecord record)
    {
        string? text = restorer.ReadRecord(photo.Output);
        if (!OutputRecord.IsOurs(text))
        {
            throw new IOException(
                $"{photo.OutputName} exists and was not made by coser. Use --overwrite to replace it, or another --output."
            );
        }
        return OutputRecord.Parse(text) == record;
    }

    private OutputRecord Record(PlannedPhoto photo, CancellationToken cancel) =>
        OutputRecord.Of(
            restorer,
            settings.Options with
            {
                Scale = settings.Scale,
            },
            OutputRecord.Hash(photo.Input.FullPath, cancel),
            settings.ReferenceFile is { } file ? OutputRecord.Hash(file, cancel) : null,
            photo.Format,
            settings.Quality
        );

    // Hidden, so that a folder given as input does not find it.
    private static string StateFolder(string output) =>
        Path.Combine(Path.GetDirectoryName(output)!, $".{Path.GetFileName(output)}.coser-state");

    private static string Beside(string folder, PlannedPhoto photo, string ending) =>
        Path.Combine(folder, Path.GetFileNameWithoutExtension(photo.Output) + ending);

    private UpscaleTotals Fail(UpscaleTotals totals, PhotoFailure failure)
    {
        report.Failed(failure);
        return totals with { Failures = [.. totals.Failures, failure] };
    }

    private double Seconds(long start) => clock.GetElapsedTime(start).TotalSeconds;

    // System.Progress would hand reports to the thread pool, where they could overtake each other.
    private sealed class Relay(IUpscaleReport report, PlannedPhoto photo) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => report.Progress(photo, value);
    }
}
