namespace Coser.Jobs.Model;

/// <summary>A job as the tables know it.</summary>
public sealed record Job
{
    /// <summary>Its name for ever: 32 hexadecimal digits nobody can guess.</summary>
    public required string Id { get; init; }

    /// <summary>Its place in the order of submission.</summary>
    public required long Sequence { get; init; }

    /// <summary>What is to be done, and for whom.</summary>
    public required NewJob Request { get; init; }

    /// <summary>The batch it belongs to; null: none.</summary>
    public string? Batch { get; init; }

    /// <summary>Its part of the batch, from 0.</summary>
    public int Shard { get; init; }

    /// <summary>Where it stands.</summary>
    public required JobState State { get; init; }

    /// <summary>Grows by one with every change, so that a watcher sees whether there is news.</summary>
    public long Revision { get; init; }

    /// <summary>When it last changed, in milliseconds since 1970 by the database's clock.</summary>
    public long Changed { get; init; }

    /// <summary>Times it failed or broke its child process.</summary>
    public int Attempts { get; init; }

    /// <summary>Times its worker disappeared.</summary>
    public int Losses { get; init; }

    /// <summary>Why it failed, was quarantined, or is tried again; null: nothing has happened.</summary>
    public string? Reason { get; init; }

    /// <summary>The worker that has or had it.</summary>
    public string? Worker { get; init; }

    /// <summary>Stage, step and time left.</summary>
    public JobProgress Progress { get; init; } = JobProgress.None;

    /// <summary>What came of it; null until it is done.</summary>
    public JobOutcome? Outcome { get; init; }

    /// <summary>When it was handed in.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>When a worker last began with it; null: never.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it reached its final state; null: it has not.</summary>
    public DateTimeOffset? Finished { get; init; }
}

/// <summary>Where a running job stands.</summary>
/// <param name="Stage">Name of the stage; empty before the first.</param>
/// <param name="SecondsLeft">Of this stage, judged by its steps so far; null: unknown.</param>
/// <param name="Preview">Number of the newest preview, from 1; 0: there is none (<c>ContentStore.PreviewPath</c>).</param>
public sealed record JobProgress(string Stage, int Step, int Steps, double? SecondsLeft = null, int Preview = 0)
{
    /// <summary>Nothing has begun.</summary>
    public static JobProgress None { get; } = new("", 0, 0);
}

/// <summary>What came of a job.</summary>
public sealed record JobOutcome
{
    /// <summary>Width of the input, upright.</summary>
    public int InputWidth { get; init; }

    /// <summary>Height of the input, upright.</summary>
    public int InputHeight { get; init; }

    /// <summary>Width of the result.</summary>
    public int Width { get; init; }

    /// <summary>Height of the result.</summary>
    public int Height { get; init; }

    /// <summary>Enlargement.</summary>
    public double Scale { get; init; }

    /// <summary>Seconds by stage, in order.</summary>
    public IReadOnlyList<StageSeconds> Stages { get; init; } = [];

    /// <summary>What had to be said about the photo.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The files, the result first.</summary>
    public IReadOnlyList<JobFile> Files { get; init; } = [];

    /// <summary>"cpu" or "cuda".</summary>
    public string Device { get; init; } = "";

    /// <summary>"fp32" or "bf16".</summary>
    public string Precision { get; init; } = "";

    /// <summary>Seconds of work, from the child's beginning to its end, of the attempt that succeeded.</summary>
    public double Seconds { get; init; }

    /// <summary>Largest resident memory of the process that did it, in bytes; 0: unknown.</summary>
    public long PeakMemory { get; init; }

    /// <summary>The result.</summary>
    public JobFile? Result => Files.FirstOrDefault(f => f.Role == JobFile.ResultRole);
}

/// <summary>Seconds a stage took.</summary>
public sealed record StageSeconds(string Stage, double Seconds);

/// <summary>A file of a job in the folder store.</summary>
/// <param name="Role"><see cref="ResultRole"/>, "reference", or the name of a stage ("pre-sr").</param>
/// <param name="Hash">SHA-256.</param>
/// <param name="Name">The name to download it under.</param>
public sealed record JobFile(string Role, string Hash, string Name, long Bytes)
{
    /// <summary>The restored photo.</summary>
    public const string ResultRole = "result";

    /// <summary>The reference image that was used.</summary>
    public const string ReferenceRole = "reference";
}
