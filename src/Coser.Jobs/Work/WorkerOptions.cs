using Coser.Jobs.Model;

namespace Coser.Jobs.Work;

/// <summary>How a worker works. One worker is one device: one job at a time.</summary>
public sealed record WorkerOptions
{
    /// <summary>How the restoring process is started.</summary>
    public required ChildCommand Child { get; init; }

    /// <summary>Its name, for people.</summary>
    public string Name { get; init; } = $"{Environment.MachineName}:{Environment.ProcessId}";

    /// <summary>Capabilities; the first one that is a device is the one jobs run on.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [JobQueues.Cpu, JobQueues.Any];

    /// <summary>Names of the models it has; null: whatever a job names.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>CPU threads of the restoring process; null: all.</summary>
    public int? Threads { get; init; }

    /// <summary>Wait between two looks at an empty queue.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest time between two reports about a running job; the lease must be several of them.</summary>
    public TimeSpan Report { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A restoring process that makes no step for so long hangs, and is ended.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Time a restoring process has to put away its state when it is told to stop.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Least time between two saves of a sampler's state.</summary>
    public TimeSpan Save { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Jobs after which the restoring process is replaced, so that nothing it leaks adds up.</summary>
    public int JobsAChild { get; init; } = 200;

    /// <summary>The device of these capabilities.</summary>
    internal string Device => Queues.FirstOrDefault(q => q != JobQueues.Any) ?? JobQueues.Any;
}

/// <summary>What a worker tells its host.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Job">The job, as it was when the worker got it.</param>
/// <param name="Reason">For people; null where there is nothing to add.</param>
public sealed record WorkerEvent(WorkerEventKind Kind, Job? Job, string? Reason = null, JobOutcome? Outcome = null);

/// <summary>Kinds of news from a worker.</summary>
public enum WorkerEventKind
{
    /// <summary>It has begun with a job.</summary>
    Started,

    /// <summary>The job is done.</summary>
    Done,

    /// <summary>The attempt came to nothing.</summary>
    Failed,

    /// <summary>It gave the job back: cancelled, paused, or because it was told to stop.</summary>
    Released,

    /// <summary>Its lease ran out before it was done.</summary>
    Lost,

    /// <summary>The database could not be reached; it goes on trying.</summary>
    Trouble,
}
