namespace Coser.Jobs.Model;

/// <summary>Where a job stands. Only <see cref="Queued"/> jobs are given to workers.</summary>
public enum JobState
{
    /// <summary>Waits for a worker.</summary>
    Queued,

    /// <summary>A worker holds its lease.</summary>
    Running,

    /// <summary>Waits to be resumed by its owner.</summary>
    Paused,

    /// <summary>Its result is in the store.</summary>
    Done,

    /// <summary>It cannot succeed, and says why: a damaged photo, an option the model refuses.</summary>
    Failed,

    /// <summary>It broke its worker too often and is kept away from them until somebody retries it.</summary>
    Quarantined,

    /// <summary>Taken back by its owner.</summary>
    Cancelled,
}

/// <summary>Which jobs come first.</summary>
public enum JobPriority
{
    /// <summary>One of many; nobody watches.</summary>
    Batch,

    /// <summary>Somebody waits for it: before all batches.</summary>
    Interactive,
}

/// <summary>What the states mean.</summary>
public static class JobStates
{
    /// <summary>True when nothing more happens to the job by itself.</summary>
    public static bool IsFinal(this JobState state) =>
        state is JobState.Done or JobState.Failed or JobState.Quarantined or JobState.Cancelled;
}
