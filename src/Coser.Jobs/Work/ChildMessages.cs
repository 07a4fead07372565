using Coser.Jobs.Model;

namespace Coser.Jobs.Work;

/// <summary>
/// What a child process is asked: one JSON line on its standard input. The word <see cref="Stop"/> on a line of its own makes it
/// stop and keep what is done; the end of its input, which is also the death of its parent, does that and ends it.
/// </summary>
public sealed record ChildRequest
{
    /// <summary>The line that stops the current job.</summary>
    public const string Stop = "stop";

    /// <summary>The photo's name as its owner knows it.</summary>
    public required string Name { get; init; }

    /// <summary>Its file.</summary>
    public required string Input { get; init; }

    /// <summary>The user's reference photo.</summary>
    public string? Reference { get; init; }

    /// <summary>What is to be done.</summary>
    public required JobOptions Options { get; init; }

    /// <summary>"cpu", "cuda", or "any".</summary>
    public string Device { get; init; } = JobQueues.Any;

    /// <summary>CPU threads; null: all.</summary>
    public int? Threads { get; init; }

    /// <summary>An empty folder for the files that are made.</summary>
    public required string Folder { get; init; }

    /// <summary>Where an unfinished restoration is kept and looked for.</summary>
    public required string StateFolder { get; init; }

    /// <summary>Least seconds between two saves.</summary>
    public double SaveSeconds { get; init; } = 20;

    /// <summary>Where previews go; each replaces the one before.</summary>
    public required string Preview { get; init; }
}

/// <summary>Kinds of lines that a child writes.</summary>
public enum ChildMessageKind
{
    /// <summary>A step is done.</summary>
    Progress,

    /// <summary>The files are in the folder.</summary>
    Done,

    /// <summary>It came to nothing.</summary>
    Failed,

    /// <summary>It was told to stop, and has.</summary>
    Stopped,
}

/// <summary>One JSON line on a child's standard output.</summary>
public sealed record ChildMessage(ChildMessageKind Kind)
{
    /// <summary>Where the work stands.</summary>
    public JobProgress? Progress { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Reason { get; init; }

    /// <summary>True when it would fail every time.</summary>
    public bool ForGood { get; init; }

    /// <summary>What came of it. Its files have no hash yet; their names are those in the folder.</summary>
    public JobOutcome? Outcome { get; init; }
}
