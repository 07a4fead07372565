using Coser.Training.Runs;

namespace Coser.Tests.Training;

/// <summary>Cancels a run at a step.</summary>
internal sealed class StopAt(long step, CancellationTokenSource cancel) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Step == step)
            cancel.Cancel();
    }
}
