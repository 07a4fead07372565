using Coser.Jobs.Model;
using Coser.Jobs.Storage;

namespace Coser.Jobs;

/// <summary>The batches themselves; what happens to their jobs is <see cref="JobLedger"/>'s.</summary>
public sealed class BatchTable
{
    private readonly Database _database;

    internal BatchTable(Database database) => _database = database;

    /// <summary>A batch; null: there is none of this name.</summary>
    public async Task<Batch?> FindAsync(string id, CancellationToken cancel = default) =>
        (
            await _database.QueryAsync(
                $"SELECT {Rows.BatchColumns} FROM coser_batches WHERE id = @id",
                Rows.Batch,
                cancel,
                ("id", id)
            )
        ).SingleOrDefault();

    /// <summary>All batches of an owner, or of everybody, the newest first.</summary>
    public async Task<IReadOnlyList<Batch>> ListAsync(string? owner = null, CancellationToken cancel = default)
    {
        (string where, (string, object?)[] values) = owner is null
            ? ("1 = 1", Array.Empty<(string, object?)>())
            : ("owner = @owner", [("owner", owner)]);
        return await _database.QueryAsync(
            $"SELECT {Rows.BatchColumns} FROM coser_batches WHERE {where} ORDER BY created DESC, id",
            Rows.Batch,
            cancel,
            values
        );
    }

    internal async Task<Batch> MakeAsync(NewBatch batch, CancellationToken cancel)
    {
        string id = JobLedger.NewId();
        await _database.ExecuteAsync(
            """
            INSERT INTO coser_batches (id, name, owner, idempotency_key, created, complete, paused, entries, dispatched)
            VALUES (@id, @name, @owner, @key, @now, 0, 0, 0, 0)
            ON CONFLICT DO NOTHING
            """,
            cancel,
            ("id", id),
            ("name", batch.Name),
            ("owner", batch.Owner),
            ("key", batch.IdempotencyKey)
        );
        (string where, (string, object?)[] values) = batch.IdempotencyKey is null
            ? ("id = @id", new (string, object?)[] { ("id", id) })
            : ("owner = @owner AND idempotency_key = @key", [("owner", batch.Owner), ("key", batch.IdempotencyKey)]);
        return (
            await _database.QueryAsync(
                $"SELECT {Rows.BatchColumns} FROM coser_batches WHERE {where}",
                Rows.Batch,
                cancel,
                values
            )
        ).Single();
    }

    internal Task CompleteAsync(string id, CancellationToken cancel) =>
        _database.ExecuteAsync("UPDATE coser_batches SET complete = 1 WHERE id = @id", cancel, ("id", id));

    internal Task SetPausedAsync(string id, bool paused, CancellationToken cancel) =>
        _database.ExecuteAsync(
            "UPDATE coser_batches SET paused = @paused WHERE id = @id",
            cancel,
            ("paused", paused ? 1 : 0),
            ("id", id)
        );

    /// <summary>The next shard nobody has dispatched yet, for this caller alone; null: there is none.</summary>
    internal async Task<BatchShard?> NextShardAsync(CancellationToken cancel)
    {
        List<(string Batch, int Shard)> next = await _database.QueryAsync(
            """
            UPDATE coser_batches SET dispatched = dispatched + 1
            WHERE id = (
              SELECT id FROM coser_batches
              WHERE paused = 0 AND (dispatched + 1) * @size <= entries + CASE WHEN complete = 1 THEN @size - 1 ELSE 0 END
              ORDER BY created LIMIT 1 {skip-locked})
            RETURNING id, dispatched
            """,
            r => (r.GetString(0), (int)r.GetInt64(1) - 1),
            cancel,
            ("size", JobLedger.ShardSize)
        );
        if (next is not [var (batch, shard)])
            return null;
        List<string> queues = await _database.QueryAsync(
            "SELECT DISTINCT queue FROM coser_jobs WHERE batch = @batch AND shard = @shard",
            r => r.GetString(0),
            cancel,
            ("batch", batch),
            ("shard", shard)
        );
        return new BatchShard(batch, shard, queues);
    }
}

/// <summary>A part of a batch.</summary>
/// <param name="Queues">The capabilities its jobs ask for.</param>
public sealed record BatchShard(string Batch, int Shard, IReadOnlyList<string> Queues);
