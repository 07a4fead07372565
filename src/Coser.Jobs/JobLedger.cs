using System.Globalization;
using System.Security.Cryptography;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;

namespace Coser.Jobs;

/// <summary>
/// The one truth about jobs: hands them in, lists them, holds them back, takes them away. Safe to use from many threads and
/// processes at once. Workers get theirs from <see cref="Leases"/>.
/// </summary>
public sealed partial class JobLedger : IAsyncDisposable
{
    /// <summary>Jobs of a batch that are dispatched together.</summary>
    public const int ShardSize = 1000;

    private const string StoreSetting = "store";
    private readonly Database _database;

    private JobLedger(Database database, LeaseOptions leases)
    {
        _database = database;
        Leases = new JobLeases(database, leases);
        Batches = new BatchTable(database);
        Watch = new JobWatch(database);
        Workers = new WorkerTable(database);
    }

    /// <summary>What workers do with jobs.</summary>
    public JobLeases Leases { get; }

    /// <summary>Batches, without their jobs.</summary>
    public BatchTable Batches { get; }

    /// <summary>What watchers ask.</summary>
    public JobWatch Watch { get; }

    /// <summary>Workers that are there.</summary>
    public WorkerTable Workers { get; }

    /// <summary>The database, for messages: no password in it.</summary>
    public string Shown => _database.Shown;

    /// <summary>Opens a database, and makes or updates its tables.</summary>
    /// <param name="leases">How workers hold jobs; null: as usual.</param>
    /// <param name="clock">The time of a SQLite file; PostgreSQL has its own.</param>
    /// <param name="patience">How long a database that does not answer is waited for; null: 30 seconds.</param>
    /// <exception cref="JobsException">It cannot be reached or used.</exception>
    public static async Task<JobLedger> OpenAsync(
        DatabaseAddress address,
        LeaseOptions? leases = null,
        TimeProvider? clock = null,
        TimeSpan? patience = null,
        CancellationToken cancel = default
    )
    {
        var database = new Database(SqlDialect.Of(address, clock ?? TimeProvider.System), patience);
        try
        {
            await database.MigrateAsync(cancel);
            return new JobLedger(database, leases ?? new LeaseOptions());
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>A name for a job or batch that nobody can guess.</summary>
    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>
    /// Binds the database to a folder store on first use; refuses another one later, so that a worker that does not see the
    /// same folder as the others says so at once.
    /// </summary>
    /// <exception cref="JobsException">The database belongs to another folder.</exception>
    public async Task BindStoreAsync(Files.ContentStore store, CancellationToken cancel = default)
    {
        await _database.ExecuteAsync(
            "INSERT INTO coser_settings (name, value) VALUES (@name, @value) ON CONFLICT DO NOTHING",
            cancel,
            ("name", StoreSetting),
            ("value", store.Id)
        );
        List<string> bound = await _database.QueryAsync(
            "SELECT value FROM coser_settings WHERE name = @name",
            r => r.GetString(0),
            cancel,
            ("name", StoreSetting)
        );
        if (bound is not [var id] || id != store.Id)
            throw new JobsException(
                store.Folder,
                $"the jobs of {Shown} have their files in another folder",
                "Give the folder they were submitted with (--store); on several machines, all must see the same one."
            );
    }

    /// <summary>A job; null: there is none of this name.</summary>
    public async Task<Job?> FindAsync(string id, CancellationToken cancel = default) =>
        (await SelectAsync("id = @id", "", cancel, ("id", id))).SingleOrDefault();

    /// <summary>A job by its owner's idempotency key; null: there is none.</summary>
    public async Task<Job?> FindByKeyAsync(string owner, string key, CancellationToken cancel = default) =>
        (
            await SelectAsync("owner = @owner AND idempotency_key = @key", "", cancel, ("owner", owner), ("key", key))
        ).SingleOrDefault();

    /// <summary>Jobs, the newest first, a page at a time.</summary>
    public async Task<IReadOnlyList<Job>> ListAsync(JobFilter filter, CancellationToken cancel = default)
    {
        (string where, (string, object?)[] values) = Where(filter);
        return await SelectAsync(
            where,
            "ORDER BY seq DESC LIMIT " + Math.Max(0, filter.Limit).ToString(CultureInfo.InvariantCulture),
            cancel,
            values
        );
    }

    /// <summary>How many jobs are in which state.</summary>
    public async Task<JobCounts> CountAsync(JobFilter filter, CancellationToken cancel = default)
    {
        (string where, (string, object?)[] values) = Where(filter);
        List<(JobState, long)> rows = await _database.QueryAsync(
            $"SELECT state, COUNT(*) FROM coser_jobs WHERE {where} GROUP BY state",
            r => (Rows.State(r.GetString(0)), r.GetInt64(1)),
            cancel,
            values
        );
        return new JobCounts(rows.ToDictionary(r => r.Item1, r => r.Item2));
    }

    /// <summary>Takes jobs back: waiting ones at once, running ones as soon as their worker hears of it.</summary>
    /// <returns>Jobs that were or will be cancelled. A job that ends in the same moment stays ended.</returns>
    public Task<int> CancelAsync(JobFilter filter, CancellationToken cancel = default) =>
        ChangeAsync(
            """
            state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
            request = CASE WHEN state = 'running' THEN 'cancel' ELSE NULL END,
            finished = CASE WHEN state = 'running' THEN finished ELSE @now END
            """,
            filter,
            [JobState.Queued, JobState.Paused, JobState.Running],
            cancel
        );

    /// <summary>Holds waiting jobs back.</summary>
    /// <param name="running">Also stop those that run: they keep what is done, and go on from there.</param>
    public async Task<int> PauseAsync(JobFilter filter, bool running = false, CancellationToken cancel = default)
    {
        if (filter.Batch is not null)
            await Batches.SetPausedAsync(filter.Batch, paused: true, cancel);
        JobState[] from = running ? [JobState.Queued, JobState.Running] : [JobState.Queued];
        return await ChangeAsync(
            """
            state = CASE WHEN state = 'running' THEN state ELSE 'paused' END,
            request = CASE WHEN state = 'running' THEN COALESCE(request, 'pause') ELSE NULL END
            """,
            filter,
            from,
            cancel
        );
    }

    /// <summary>Lets paused jobs go on.</summary>
    public async Task<int> ResumeAsync(JobFilter filter, CancellationToken cancel = default)
    {
        if (filter.Batch is not null)
            await Batches.SetPausedAsync(filter.Batch, paused: false, cancel);
        return await ChangeAsync("state = 'queued', available = @now", filter, [JobState.Paused], cancel);
    }

    /// <summary>Tries failed, quarantined and cancelled jobs anew, as if they had just been handed in.</summary>
    public Task<int> RetryAsync(JobFilter filter, CancellationToken cancel = default) =>
        ChangeAsync(
            """
            state = 'queued', available = @now, attempts = 0, losses = 0, reason = NULL, request = NULL, finished = NULL,
            lease_token = NULL, stage = '', step = 0, steps = 0, seconds_left = NULL
            """,
            filter,
            [JobState.Failed, JobState.Quarantined, JobState.Cancelled],
            cancel
        );

    /// <summary>Forgets ended jobs. Their files go with the next <see cref="Files.FileCollector"/>.</summary>
    public Task<int> DeleteAsync(JobFilter filter, CancellationToken cancel = default)
    {
        (string where, (string, object?)[] values) = Where(filter);
        return _database.ExecuteAsync(
            $"DELETE FROM coser_jobs WHERE {where} AND state IN ('done', 'failed', 'quarantined', 'cancelled')",
            cancel,
            values
        );
    }

    /// <summary>Those of these files that some job needs.</summary>
    internal async Task<HashSet<string>> UsedAsync(IReadOnlyList<string> hashes, CancellationToken cancel)
    {
        (string list, (string, object?)[] values) = Rows.List("h", hashes);
        List<string> used = await _database.QueryAsync(
            $"""
            SELECT input_hash FROM coser_jobs WHERE input_hash IN {list}
            UNION SELECT reference_hash FROM coser_jobs WHERE reference_hash IN {list}
            UNION SELECT hash FROM coser_files WHERE hash IN {list}
            """,
            r => r.GetString(0),
            cancel,
            values
        );
        return [.. used];
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private Task<List<Job>> SelectAsync(
        string where,
        string rest,
        CancellationToken cancel,
        params (string, object?)[] values
    ) =>
        _database.QueryAsync(
            $"SELECT {Rows.JobColumns} FROM coser_jobs WHERE {where} {rest}",
            Rows.Job,
            cancel,
            values
        );

    private Task<int> ChangeAsync(string change, JobFilter filter, JobState[] from, CancellationToken cancel)
    {
        (string where, (string, object?)[] values) = Where(filter);
        string states = string.Join(", ", from.Select(s => $"'{Rows.Text(s)}'"));
        return _database.ExecuteAsync(
            $"UPDATE coser_jobs SET {Rows.Touch}, {change} WHERE {where} AND state IN ({states})",
            cancel,
            values
        );
    }

    private static (string Sql, (string, object?)[] Values) Where(JobFilter filter)
    {
        List<string> parts = ["1 = 1"];
        List<(string, object?)> values = [];
        Equal("id", filter.Id);
        Equal("batch", filter.Batch);
        Equal("owner", filter.Owner);
        if (filter.Root is { } root)
        {
            parts.Add("(root = @root OR id = @root)");
            values.Add(("root", root));
        }
        if (filter.Name is { } name)
        {
            parts.Add("LOWER(name) LIKE @name ESCAPE '!'");
            string escaped = name.ToLowerInvariant()
                .Replace("!", "!!", StringComparison.Ordinal)
                .Replace("%", "!%", StringComparison.Ordinal)
                .Replace("_", "!_", StringComparison.Ordinal);
            values.Add(("name", $"%{escaped}%"));
        }
        if (filter.Before is { } before)
        {
            parts.Add("seq < @before");
            values.Add(("before", before));
        }
        if (filter.States.Count > 0)
        {
            (string list, (string, object?)[] states) = Rows.List("s", filter.States.Select(Rows.Text));
            parts.Add("state IN " + list);
            values.AddRange(states);
        }
        return (string.Join(" AND ", parts), [.. values]);

        void Equal(string column, string? value)
        {
            if (value is null)
                return;
            parts.Add($"{column} = @{column}");
            values.Add((column, value));
        }
    }
}
