namespace Coser.Client.Contract;

/// <summary>Where a job stands.</summary>
public enum JobStatus
{
    /// <summary>Waits for a worker.</summary>
    Queued,

    /// <summary>A worker has it.</summary>
    Running,

    /// <summary>Held back until it is resumed.</summary>
    Paused,

    /// <summary>Its result is there.</summary>
    Done,

    /// <summary>It cannot succeed, and says why.</summary>
    Failed,

    /// <summary>It broke its worker too often.</summary>
    Quarantined,

    /// <summary>Taken back.</summary>
    Cancelled,
}

/// <summary>A job.</summary>
public sealed record JobView
{
    /// <summary>Its name for ever: 32 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Its place in the order of submission.</summary>
    public long Sequence { get; init; }

    /// <summary>The photo's name as its owner knows it.</summary>
    public required string Name { get; init; }

    /// <summary>Whose it is; told to those who see jobs of others.</summary>
    public string? Owner { get; init; }

    /// <summary>The batch it belongs to.</summary>
    public string? Batch { get; init; }

    /// <summary>Where it stands.</summary>
    public JobStatus State { get; init; }

    /// <summary>Grows with every change.</summary>
    public long Revision { get; init; }

    /// <summary>When it was handed in.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>When a worker last began with it.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? Finished { get; init; }

    /// <summary>What was asked for.</summary>
    public JobSettings Options { get; init; } = new();

    /// <summary>The job whose photo is restored once more.</summary>
    public string? From { get; init; }

    /// <summary>The first job of this photo; its own id where there was none before.</summary>
    public string Root { get; init; } = "";

    /// <summary>Place in the queue, 1 being the next; while it is queued, at the time of the answer.</summary>
    public int? Position { get; init; }

    /// <summary>Stage, step and time left.</summary>
    public ProgressView Progress { get; init; } = new();

    /// <summary>Times it failed or broke its process.</summary>
    public int Attempts { get; init; }

    /// <summary>Why it failed, or is tried again.</summary>
    public string? Reason { get; init; }

    /// <summary>Width of the input in pixels, upright.</summary>
    public int? Width { get; init; }

    /// <summary>Height of the input in pixels, upright.</summary>
    public int? Height { get; init; }

    /// <summary>What came of it, once it is done.</summary>
    public OutcomeView? Outcome { get; init; }

    /// <summary>Its files: the input first.</summary>
    public IReadOnlyList<FileView> Files { get; init; } = [];

    /// <summary>True when nothing more happens to it by itself.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsFinal => State is JobStatus.Done or JobStatus.Failed or JobStatus.Quarantined or JobStatus.Cancelled;
}

/// <summary>Where a running job stands.</summary>
public sealed record ProgressView
{
    /// <summary>Name of the stage; empty before the first.</summary>
    public string Stage { get; init; } = "";

    /// <summary>Steps made.</summary>
    public int Step { get; init; }

    /// <summary>Steps of the stage.</summary>
    public int Steps { get; init; }

    /// <summary>Seconds that the stage still takes, judged by its steps so far.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Number of the newest preview, from 1; 0: there is none.</summary>
    public int Preview { get; init; }
}

/// <summary>What came of a job.</summary>
public sealed record OutcomeView
{
    /// <summary>Width of the input in pixels, upright.</summary>
    public int InputWidth { get; init; }

    /// <summary>Height of the input in pixels, upright.</summary>
    public int InputHeight { get; init; }

    /// <summary>Width of the result in pixels.</summary>
    public int Width { get; init; }

    /// <summary>Height of the result in pixels.</summary>
    public int Height { get; init; }

    /// <summary>Enlargement.</summary>
    public double Scale { get; init; }

    /// <summary>Seconds by stage, in order.</summary>
    public IReadOnlyList<StageView> Stages { get; init; } = [];

    /// <summary>What had to be said about the photo.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Seconds of work.</summary>
    public double Seconds { get; init; }

    /// <summary>"cpu" or "cuda".</summary>
    public string Device { get; init; } = "";

    /// <summary>"fp32" or "bf16".</summary>
    public string Precision { get; init; } = "";

    /// <summary>Largest resident memory of the restoring process, in bytes; 0: unknown.</summary>
    public long PeakMemory { get; init; }
}

/// <summary>Seconds a stage took.</summary>
public sealed record StageView(string Stage, double Seconds);

/// <summary>A file of a job.</summary>
/// <param name="Role">"input", "result", "reference", "pre-sr", or another stage's name.</param>
/// <param name="Name">The name to save it under.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Url">Where it is, below the server's address.</param>
/// <param name="ViewUrl">A picture of it that a browser shows; takes <c>?size=</c>.</param>
public sealed record FileView(string Role, string Name, long Bytes, string Url, string ViewUrl)
{
    /// <summary>The photo that was handed in.</summary>
    public const string InputRole = "input";

    /// <summary>The restored photo.</summary>
    public const string ResultRole = "result";
}

/// <summary>A page of jobs.</summary>
public sealed record JobPage
{
    /// <summary>The newest first.</summary>
    public IReadOnlyList<JobView> Jobs { get; init; } = [];

    /// <summary>What to give as <c>before</c> for the next page; null: this was the last.</summary>
    public long? Next { get; init; }

    /// <summary>How many jobs the caller may see, by state; all states are there.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; init; } = new Dictionary<string, long>();
}

/// <summary>A request for a job without an upload.</summary>
public sealed record JobRequest
{
    /// <summary>A photo below the server's allowed root, with / between folders.</summary>
    public string? Path { get; init; }

    /// <summary>A job whose photo, and reference unless <c>options.reference</c> says otherwise, are used once more.</summary>
    public string? From { get; init; }

    /// <summary>What is asked for.</summary>
    public JobSettings? Options { get; init; }
}
