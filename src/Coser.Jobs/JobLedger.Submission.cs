using Coser.Jobs.Model;
using Coser.Jobs.Storage;

namespace Coser.Jobs;

/// <content>Handing in.</content>
public sealed partial class JobLedger
{
    // 30 values a row; SQLite takes 32,766 in a statement.
    private const int RowsAStatement = 200;

    /// <summary>Hands in one job; with a known idempotency key, gives back the one that is there.</summary>
    /// <exception cref="IdempotencyConflictException">The key was used for another request.</exception>
    public async Task<Job> SubmitAsync(NewJob job, CancellationToken cancel = default) =>
        (await HandInAsync(job, cancel)).Job;

    /// <summary>The same, and whether the job is a new one.</summary>
    /// <exception cref="IdempotencyConflictException">The key was used for another request.</exception>
    public async Task<(Job Job, bool IsNew)> HandInAsync(NewJob job, CancellationToken cancel = default)
    {
        Validate(job);
        string id = NewId();
        await _database.RunAsync(
            s => InsertAsync(s, [(id, job, job.IdempotencyKey, 0)], batch: null, JobState.Queued),
            cancel
        );
        (string where, (string, object?)[] values) = job.IdempotencyKey is null
            ? ("id = @id", new (string, object?)[] { ("id", id) })
            : ("owner = @owner AND idempotency_key = @key", [("owner", job.Owner), ("key", job.IdempotencyKey)]);
        Job found = (await SelectAsync(where, "", cancel, values)).Single();
        if (found.Id != id && found.Request != job)
            throw new IdempotencyConflictException(job.IdempotencyKey!);
        return (found, found.Id == id);
    }

    /// <summary>
    /// Hands in the jobs of a batch, in chunks, as they come: of a million, a few hundred are in memory. Entries with a key
    /// that the batch has already are left alone, so that an interrupted submission is gone on with.
    /// </summary>
    /// <param name="told">Called after every chunk with the entries seen so far.</param>
    /// <param name="known">Called for every entry that was left alone, with the job that has its key.</param>
    /// <returns>The batch, with the number of its entries.</returns>
    public async Task<Batch> SubmitAsync(
        NewBatch batch,
        IAsyncEnumerable<NewJob> entries,
        Action<long>? told = null,
        Action<NewJob, Job>? known = null,
        CancellationToken cancel = default
    )
    {
        Batch made = await Batches.MakeAsync(batch, cancel);
        long seen = 0;
        await foreach (NewJob[] chunk in entries.Chunk(RowsAStatement).WithCancellation(cancel))
        {
            long first = seen;
            var rows = chunk
                .Select(
                    (e, i) =>
                    {
                        Validate(e);
                        string? key = e.IdempotencyKey is null ? null : $"{made.Id}:{e.IdempotencyKey}";
                        return (NewId(), e with { Owner = batch.Owner }, key, (int)((first + i) / ShardSize));
                    }
                )
                .ToArray();
            int fresh = await _database.TransactAsync(
                async session =>
                {
                    // The row is locked until the end: a pause finds either none or all of these jobs.
                    bool paused = (
                        await session.QueryAsync(
                            "UPDATE coser_batches SET complete = 0 WHERE id = @id RETURNING paused",
                            r => r.GetInt32(0) != 0,
                            ("id", made.Id)
                        )
                    ).Single();
                    int inserted = await InsertAsync(
                        session,
                        rows,
                        made.Id,
                        paused ? JobState.Paused : JobState.Queued
                    );
                    await session.ExecuteAsync(
                        "UPDATE coser_batches SET entries = entries + @n WHERE id = @id",
                        ("n", inserted),
                        ("id", made.Id)
                    );
                    return inserted;
                },
                cancel
            );
            if (fresh < rows.Length && known is not null)
                await TellKnownAsync(rows, known, cancel);
            seen += chunk.Length;
            told?.Invoke(seen);
        }
        await Batches.CompleteAsync(made.Id, cancel);
        return (await Batches.FindAsync(made.Id, cancel))!;
    }

    private async Task TellKnownAsync(
        (string Id, NewJob Job, string? Key, int Shard)[] rows,
        Action<NewJob, Job> known,
        CancellationToken cancel
    )
    {
        (string list, (string, object?)[] keys) = Rows.List("k", rows.Select(r => r.Key).Where(k => k is not null));
        List<Job> there = await SelectAsync(
            $"owner = @owner AND idempotency_key IN {list}",
            "",
            cancel,
            [.. keys, ("owner", rows[0].Job.Owner)]
        );
        Dictionary<string, Job> byKey = there.ToDictionary(j => j.Request.IdempotencyKey!, StringComparer.Ordinal);
        foreach ((string id, NewJob job, string? key, _) in rows)
        {
            if (key is not null && byKey.TryGetValue(key, out Job? other) && other.Id != id)
                known(job, other);
        }
    }

    private static Task<int> InsertAsync(
        Session session,
        (string Id, NewJob Job, string? Key, int Shard)[] rows,
        string? batch,
        JobState state
    )
    {
        var values = new List<(string, object?)> { ("batch", batch), ("state", Rows.Text(state)) };
        string tuples = string.Join(
            ",\n",
            rows.Select(
                (row, n) =>
                {
                    object?[] own =
                    [
                        row.Id,
                        row.Shard,
                        row.Job.Name,
                        row.Job.Owner,
                        row.Key,
                        (int)row.Job.Priority,
                        row.Job.Queue,
                        row.Job.Options.Model,
                        JobsJson.Write(row.Job.Options),
                        row.Job.InputHash,
                        row.Job.InputPath,
                        row.Job.ReferenceHash,
                        row.Job.OutputPath,
                        row.Job.Origin,
                        row.Job.Root,
                    ];
                    (string list, (string, object?)[] named) = Rows.List($"r{n}_", own);
                    values.AddRange(named);
                    // PostgreSQL takes a column of nulls for text.
                    values.AddRange([($"w{n}", row.Job.Width), ($"h{n}", row.Job.Height), ($"b{n}", row.Job.Bytes)]);
                    string size = $"CAST(@w{n} AS INTEGER), CAST(@h{n} AS INTEGER), CAST(@b{n} AS BIGINT)";
                    return $"{list[..^1]}, {size}, @batch, @state, 1, 0, 0, @now, @now, @now, '', 0, 0, 0)";
                }
            )
        );
        return session.ExecuteAsync(
            $"""
            INSERT INTO coser_jobs (
              id, shard, name, owner, idempotency_key, priority, queue, model, options, input_hash, input_path,
              reference_hash, output_path, origin, root, width, height, bytes, batch, state, revision, attempts, losses,
              available, created, changed, stage, step, steps, preview)
            VALUES {tuples}
            ON CONFLICT DO NOTHING
            """,
            [.. values]
        );
    }

    private static void Validate(NewJob job)
    {
        if (job.InputHash is null == job.InputPath is null)
            throw new ArgumentException("a job has an input in the store, or one outside it", nameof(job));
        if (job.InputHash is not null && !Files.ContentStore.IsHash(job.InputHash))
            throw new ArgumentException("the input's hash is no SHA-256", nameof(job));
        if (job.ReferenceHash is not null && !Files.ContentStore.IsHash(job.ReferenceHash))
            throw new ArgumentException("the reference's hash is no SHA-256", nameof(job));
        if (!JobQueues.All.Contains(job.Queue))
            throw new ArgumentException($"there is no queue '{job.Queue}'", nameof(job));
    }
}
