using Coser.Jobs.Model;
using Coser.Jobs.Storage;

namespace Coser.Jobs;

/// <summary>A worker, as it last reported.</summary>
public sealed record WorkerInfo
{
    /// <summary>Its name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>"cpu" or "cuda".</summary>
    public required string Device { get; init; }

    /// <summary>Capabilities.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [];

    /// <summary>Models it has; empty: whatever a job names.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>The version of its program.</summary>
    public string Version { get; init; } = "";

    /// <summary>The job it has in hand; null: none.</summary>
    public string? Job { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset Started { get; init; }

    /// <summary>When it was last heard of.</summary>
    public DateTimeOffset Seen { get; init; }
}

/// <summary>Workers that are there, or were a moment ago. For people to look at: no job depends on it.</summary>
public sealed class WorkerTable
{
    /// <summary>Time between two reports.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);

    /// <summary>A worker that has not been heard of for so long is believed gone.</summary>
    public static readonly TimeSpan Gone = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(1);
    private readonly Database _database;

    internal WorkerTable(Database database) => _database = database;

    /// <summary>Workers heard of within <see cref="Gone"/>, by name.</summary>
    public async Task<IReadOnlyList<WorkerInfo>> ListAsync(CancellationToken cancel = default) =>
        await _database.QueryAsync(
            """
            SELECT name, device, queues, models, version, job, started, seen FROM coser_workers
            WHERE seen >= @now - @gone ORDER BY name
            """,
            r => new WorkerInfo
            {
                Name = r.GetString(0),
                Device = r.GetString(1),
                Queues = JobsJson.Read<string[]>(r.GetString(2)),
                Models = JobsJson.Read<string[]>(r.GetString(3)),
                Version = r.GetString(4),
                Job = r.IsDBNull(5) ? null : r.GetString(5),
                Started = Rows.Time(r.GetInt64(6)),
                Seen = Rows.Time(r.GetInt64(7)),
            },
            cancel,
            ("gone", (long)Gone.TotalMilliseconds)
        );

    internal Task ReportAsync(WorkerInfo worker, CancellationToken cancel) =>
        _database.ExecuteAsync(
            """
            INSERT INTO coser_workers (name, device, queues, models, version, job, started, seen)
            VALUES (@name, @device, @queues, @models, @version, @job, @now, @now)
            ON CONFLICT (name) DO UPDATE SET job = excluded.job, seen = excluded.seen
            """,
            cancel,
            ("name", worker.Name),
            ("device", worker.Device),
            ("queues", JobsJson.Write(worker.Queues)),
            ("models", JobsJson.Write(worker.Models)),
            ("version", worker.Version),
            ("job", worker.Job)
        );

    internal Task RemoveAsync(string name, CancellationToken cancel) =>
        _database.ExecuteAsync(
            "DELETE FROM coser_workers WHERE name = @name OR seen < @now - @old",
            cancel,
            ("name", name),
            ("old", (long)Forgotten.TotalMilliseconds)
        );
}
