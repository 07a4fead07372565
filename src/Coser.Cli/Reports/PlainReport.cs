using Coser.Cli.Upscaling;
using Coser.Restoration;

namespace Coser.Cli.Reports;

/// <summary>One line a finished photo, for pipes and logs.</summary>
internal sealed class PlainReport(CliHost host, bool verbose) : IUpscaleReport
{
    private int _files;

    public void Around(RunFacts facts, Action work)
    {
        _files = facts.Files;
        work();
    }

    public void Begin(PlannedPhoto photo) { }

    public void Progress(PlannedPhoto photo, RestoreProgress progress) { }

    public void Done(PlannedPhoto photo, RestoreOutcome outcome, long bytes, double seconds)
    {
        host.Out.WriteLine(Lines.Done(photo, outcome, seconds));
        foreach (string note in outcome.Notes)
            host.Complain($"{photo.Input.Name}: note: {note}");
    }

    public void Skipped(PlannedPhoto photo) => host.Out.WriteLine(Lines.Skipped(photo));

    public void Failed(PhotoFailure failure) =>
        host.Complain($"{failure.Input}: {failure.Reason}", failure.Cause, verbose);

    public void Finish(UpscaleTotals totals)
    {
        if (_files > 1 || totals.Cancelled)
            host.Out.WriteLine(Lines.Totals(totals));
        if (_files > 1)
            Lines.WriteFailures(host.Error, totals);
    }
}
