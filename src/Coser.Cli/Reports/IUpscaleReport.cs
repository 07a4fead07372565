using Coser.Cli.Upscaling;
using Coser.Restoration;

namespace Coser.Cli.Reports;

/// <summary>Known before the first photo.</summary>
internal sealed record RunFacts(RestorerModel Model, string Device, string Precision, double Scale, int Files);

/// <summary>Tells the user, or another program, how a run goes. Called from one thread.</summary>
internal interface IUpscaleReport
{
    /// <summary>Opens the report, runs <paramref name="work"/> with it, closes it.</summary>
    void Around(RunFacts facts, Action work);

    void Begin(PlannedPhoto photo);

    void Progress(PlannedPhoto photo, RestoreProgress progress);

    void Done(PlannedPhoto photo, RestoreOutcome outcome, long bytes, double seconds);

    void Skipped(PlannedPhoto photo);

    void Failed(PhotoFailure failure);

    void Finish(UpscaleTotals totals);
}
