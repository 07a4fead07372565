using Coser.Jobs.Model;
using Coser.Jobs.Storage;

namespace Coser.Jobs;

/// <summary>How long workers hold jobs, and how often a job may go wrong.</summary>
public sealed record LeaseOptions
{
    /// <summary>A worker that has not been heard of for so long has lost its job.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Failures and crashes after which a job is quarantined.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Lost workers after which a job is quarantined. More than attempts: most machines go down for other reasons.</summary>
    public int MaxLosses { get; init; } = 5;

    /// <summary>Wait before the second attempt; twice that before the third.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>What a worker can do.</summary>
/// <param name="Worker">Its name, for people.</param>
/// <param name="Queues">Its capabilities.</param>
/// <param name="Models">Names of the models it has; null: whatever a job names. Models named by a folder are always taken.</param>
/// <param name="Within">Of batches, only jobs of this shard; interactive jobs come first all the same.</param>
public sealed record WorkerAbility(
    string Worker,
    IReadOnlyList<string> Queues,
    IReadOnlyList<string>? Models = null,
    BatchShard? Within = null
);

/// <summary>A job in a worker's hands.</summary>
/// <param name="Token">Proves that it is: the job's state changes for whoever shows it, and nobody else.</param>
public sealed record JobLease(Job Job, string Token);

/// <summary>What a worker that reports is told.</summary>
public enum LeaseAnswer
{
    /// <summary>Go on.</summary>
    Continue,

    /// <summary>Stop and give the job back: its owner wants it paused.</summary>
    Pause,

    /// <summary>Stop and give the job back: its owner has cancelled it.</summary>
    Cancel,

    /// <summary>The job is somebody else's by now: stop, and say no more about it.</summary>
    Lost,
}

/// <summary>
/// The workers' side of the tables. A job is claimed atomically and held by a lease that slides with every report; each change
/// is made by the lease's holder or by nobody.
/// </summary>
public sealed class JobLeases
{
    private const string Mine = "id = @id AND lease_token = @token AND state = 'running'";
    private readonly Database _database;

    internal JobLeases(Database database, LeaseOptions options) => (_database, Options) = (database, options);

    /// <summary>Times and limits.</summary>
    public LeaseOptions Options { get; }

    /// <summary>
    /// The next job this worker can do, now in its hands: interactive before batch, then in order of submission; null: there
    /// is none.
    /// </summary>
    public async Task<JobLease?> ClaimAsync(WorkerAbility ability, CancellationToken cancel = default)
    {
        string token = JobLedger.NewId();
        (string condition, List<(string, object?)> values) = Where(ability);
        values.AddRange([("worker", ability.Worker), ("token", token), ("lease", Milliseconds(Options.Length))]);
        List<Job> claimed = await _database.QueryAsync(
            $$"""
            UPDATE coser_jobs SET
              state = 'running', {{Rows.Touch}}, worker = @worker, lease_token = @token,
              lease_until = @now + @lease, request = NULL, started = @now, stage = '', step = 0, steps = 0,
              seconds_left = NULL
            WHERE state = 'queued' AND seq = (
              SELECT seq FROM coser_jobs WHERE state = 'queued' AND available <= @now AND {{condition}}
              ORDER BY priority DESC, seq LIMIT 1 {skip-locked})
            RETURNING {{Rows.JobColumns}}
            """,
            Rows.Job,
            cancel,
            [.. values]
        );
        return claimed is [var job] ? new JobLease(job, token) : null;
    }

    /// <summary>True while there are jobs this worker could do, now or after their wait for the next attempt.</summary>
    internal async Task<bool> HasWaitingAsync(WorkerAbility ability, CancellationToken cancel)
    {
        (string condition, List<(string, object?)> values) = Where(ability);
        List<long> some = await _database.QueryAsync(
            $"SELECT seq FROM coser_jobs WHERE state = 'queued' AND {condition} LIMIT 1",
            r => r.GetInt64(0),
            cancel,
            [.. values]
        );
        return some.Count > 0;
    }

    /// <summary>Gives the jobs of vanished workers to others. Every worker does this now and then.</summary>
    /// <returns>Jobs whose lease had run out.</returns>
    public Task<int> ReapAsync(CancellationToken cancel = default) =>
        _database.ExecuteAsync(
            $"""
            UPDATE coser_jobs SET
              state = CASE
                WHEN request = 'cancel' THEN 'cancelled'
                WHEN losses + 1 >= @limit THEN 'quarantined'
                WHEN request = 'pause' THEN 'paused'
                ELSE 'queued' END,
              finished = CASE WHEN request = 'cancel' OR losses + 1 >= @limit THEN @now ELSE NULL END,
              reason = 'worker ' || worker || ' disappeared while it had this job',
              {Rows.Touch}, losses = losses + 1, available = @now, lease_token = NULL, request = NULL
            WHERE state = 'running' AND lease_until < @now
            """,
            cancel,
            ("limit", Options.MaxLosses)
        );

    /// <summary>Says that the worker is alive, and how far it is.</summary>
    public async Task<LeaseAnswer> ReportAsync(
        JobLease lease,
        JobProgress? progress = null,
        CancellationToken cancel = default
    )
    {
        string change = progress is null
            ? ""
            : $"""
                , {Rows.Touch}, stage = @stage, step = @step, steps = @steps, seconds_left = @left,
                preview = @preview
                """;
        (string, object?)[] values = progress is null
            ? []
            :
            [
                ("stage", progress.Stage),
                ("step", progress.Step),
                ("steps", progress.Steps),
                ("left", progress.SecondsLeft),
                ("preview", progress.Preview),
            ];
        List<string?> answer = await _database.QueryAsync(
            $"UPDATE coser_jobs SET lease_until = @now + @lease{change} WHERE {Mine} RETURNING request",
            r => r.IsDBNull(0) ? null : r.GetString(0),
            cancel,
            [.. values, .. Held(lease), ("lease", Milliseconds(Options.Length))]
        );
        return answer switch
        {
            [] => LeaseAnswer.Lost,
            ["cancel"] => LeaseAnswer.Cancel,
            ["pause"] => LeaseAnswer.Pause,
            _ => LeaseAnswer.Continue,
        };
    }

    /// <summary>
    /// Makes the result visible, once: of several workers that made it, the lease's holder alone succeeds. May be repeated
    /// when it is unknown whether it went through.
    /// </summary>
    /// <returns>False: the job was somebody else's by now; the result is not wanted.</returns>
    public Task<bool> CompleteAsync(JobLease lease, JobOutcome outcome, CancellationToken cancel = default) =>
        _database.TransactAsync(
            async session =>
            {
                int changed = await session.ExecuteAsync(
                    $"""
                    UPDATE coser_jobs SET
                      state = 'done', {Rows.Touch}, finished = @now, outcome = @outcome, reason = NULL,
                      request = NULL, seconds_left = NULL
                    WHERE {Mine}
                    """,
                    [.. Held(lease), ("outcome", JobsJson.Write(outcome))]
                );
                if (changed == 0)
                {
                    // Said twice, because the first answer was lost on its way?
                    List<long> done = await session.QueryAsync(
                        "SELECT seq FROM coser_jobs WHERE id = @id AND lease_token = @token AND state = 'done'",
                        r => r.GetInt64(0),
                        Held(lease)
                    );
                    return done.Count == 1;
                }
                await session.ExecuteAsync("DELETE FROM coser_files WHERE job = @id", ("id", lease.Job.Id));
                foreach (JobFile file in outcome.Files)
                    await session.ExecuteAsync(
                        "INSERT INTO coser_files (job, role, hash) VALUES (@id, @role, @hash)",
                        ("id", lease.Job.Id),
                        ("role", file.Role),
                        ("hash", file.Hash)
                    );
                return true;
            },
            cancel
        );

    /// <summary>
    /// Says that the job came to nothing. One that could succeed another time is tried again after a while, or quarantined
    /// when that has happened too often.
    /// </summary>
    /// <param name="reason">A sentence or two for its owner.</param>
    /// <param name="forGood">True when it would fail every time: it is not tried again.</param>
    public async Task<bool> FailAsync(
        JobLease lease,
        string reason,
        bool forGood,
        CancellationToken cancel = default
    ) =>
        await _database.ExecuteAsync(
            $"""
            UPDATE coser_jobs SET
              state = CASE
                WHEN request = 'cancel' THEN 'cancelled'
                WHEN @final = 1 THEN 'failed'
                WHEN attempts + 1 >= @limit THEN 'quarantined'
                WHEN request = 'pause' THEN 'paused'
                ELSE 'queued' END,
              finished = CASE WHEN request = 'cancel' OR @final = 1 OR attempts + 1 >= @limit THEN @now ELSE NULL END,
              available = @now + @wait * (attempts + 1),
              reason = @reason, {Rows.Touch}, attempts = attempts + 1, lease_token = NULL, request = NULL,
              seconds_left = NULL
            WHERE {Mine}
            """,
            cancel,
            [
                .. Held(lease),
                ("final", forGood ? 1 : 0),
                ("limit", Options.MaxAttempts),
                ("wait", Milliseconds(Options.Backoff)),
                ("reason", reason),
            ]
        ) == 1;

    /// <summary>
    /// Gives the job back unfinished, without blame: cancelled or paused if that was asked for, else for the next worker.
    /// </summary>
    public async Task<bool> ReleaseAsync(JobLease lease, CancellationToken cancel = default) =>
        await _database.ExecuteAsync(
            $"""
            UPDATE coser_jobs SET
              state = CASE WHEN request = 'cancel' THEN 'cancelled' WHEN request = 'pause' THEN 'paused' ELSE 'queued' END,
              finished = CASE WHEN request = 'cancel' THEN @now ELSE NULL END,
              available = @now, {Rows.Touch}, lease_token = NULL, request = NULL, seconds_left = NULL
            WHERE {Mine}
            """,
            cancel,
            Held(lease)
        ) == 1;

    private static (string Sql, List<(string, object?)> Values) Where(WorkerAbility ability)
    {
        (string queues, (string, object?)[] queueValues) = Rows.List("q", ability.Queues);
        List<(string, object?)> values = [.. queueValues];
        string condition = $"queue IN {queues}";
        if (ability.Models is { } models)
        {
            (string list, (string, object?)[] modelValues) = Rows.List("m", models.Append(""));
            // A model named by its folder is where its job says, or nowhere: that is no worker's capability.
            condition += $" AND (model IN {list} OR model LIKE '/%' OR model LIKE '_:%')";
            values.AddRange(modelValues);
        }
        if (ability.Within is { } shard)
        {
            condition += " AND (priority > 0 OR (batch = @batch AND shard = @shard))";
            values.AddRange([("batch", shard.Batch), ("shard", shard.Shard)]);
        }
        return (condition, values);
    }

    private static (string, object?)[] Held(JobLease lease) => [("id", lease.Job.Id), ("token", lease.Token)];

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
