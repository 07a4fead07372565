namespace Coser.Jobs.Model;

/// <summary>Many jobs under one name.</summary>
public sealed record Batch
{
    /// <summary>Its name for ever.</summary>
    public required string Id { get; init; }

    /// <summary>What its owner calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Whose it is.</summary>
    public required string Owner { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>True when all of its manifest has been handed in.</summary>
    public bool IsComplete { get; init; }

    /// <summary>True when its waiting jobs are held back.</summary>
    public bool IsPaused { get; init; }

    /// <summary>Entries handed in so far.</summary>
    public long Entries { get; init; }
}

/// <summary>A batch that is asked for.</summary>
/// <param name="IdempotencyKey">The same owner's batch of the same key is gone on with; null: a new one.</param>
public sealed record NewBatch(string Name, string Owner = "local", string? IdempotencyKey = null);

/// <summary>How many jobs are in which state.</summary>
public sealed record JobCounts(IReadOnlyDictionary<JobState, long> ByState)
{
    /// <summary>Of one state.</summary>
    public long this[JobState state] => ByState.GetValueOrDefault(state);

    /// <summary>Of all states.</summary>
    public long Total => ByState.Values.Sum();

    /// <summary>Jobs that are still to end.</summary>
    public long Open => ByState.Where(s => !s.Key.IsFinal()).Sum(s => s.Value);
}

/// <summary>Which jobs are meant.</summary>
public sealed record JobFilter
{
    /// <summary>This one.</summary>
    public string? Id { get; init; }

    /// <summary>Of this batch.</summary>
    public string? Batch { get; init; }

    /// <summary>Of this owner.</summary>
    public string? Owner { get; init; }

    /// <summary>In one of these states; empty: any.</summary>
    public IReadOnlyList<JobState> States { get; init; } = [];

    /// <summary>This one, and those that restore its photo once more.</summary>
    public string? Root { get; init; }

    /// <summary>Whose name contains this, in whatever case.</summary>
    public string? Name { get; init; }

    /// <summary>Newest first, those with a smaller sequence number: the last one of the page before.</summary>
    public long? Before { get; init; }

    /// <summary>At most so many.</summary>
    public int Limit { get; init; } = 100;
}
