using Coser.Jobs.Model;

namespace Coser.Jobs.Storage;

/// <summary>
/// The tables, version by version. A version that has been released is never changed: the next one is added below it.
/// </summary>
internal static class Migrations
{
    private static readonly string[][] Versions =
    [
        [
            """
                CREATE TABLE coser_settings (
                  name TEXT PRIMARY KEY,
                  value TEXT NOT NULL
                )
                """,
            """
                CREATE TABLE coser_batches (
                  id TEXT PRIMARY KEY,
                  name TEXT NOT NULL,
                  owner TEXT NOT NULL,
                  idempotency_key TEXT,
                  created BIGINT NOT NULL,
                  complete INTEGER NOT NULL,
                  paused INTEGER NOT NULL,
                  entries BIGINT NOT NULL,
                  dispatched BIGINT NOT NULL
                )
                """,
            "CREATE UNIQUE INDEX coser_batches_key ON coser_batches (owner, idempotency_key)",
            """
                CREATE TABLE coser_jobs (
                  seq {identity},
                  id TEXT NOT NULL UNIQUE,
                  batch TEXT REFERENCES coser_batches (id),
                  shard INTEGER NOT NULL,
                  name TEXT NOT NULL,
                  owner TEXT NOT NULL,
                  idempotency_key TEXT,
                  priority INTEGER NOT NULL,
                  queue TEXT NOT NULL,
                  model TEXT NOT NULL,
                  options TEXT NOT NULL,
                  input_hash TEXT,
                  input_path TEXT,
                  reference_hash TEXT,
                  output_path TEXT,
                  state TEXT NOT NULL,
                  revision BIGINT NOT NULL,
                  attempts INTEGER NOT NULL,
                  losses INTEGER NOT NULL,
                  available BIGINT NOT NULL,
                  created BIGINT NOT NULL,
                  started BIGINT,
                  finished BIGINT,
                  worker TEXT,
                  lease_token TEXT,
                  lease_until BIGINT,
                  request TEXT,
                  stage TEXT NOT NULL,
                  step INTEGER NOT NULL,
                  steps INTEGER NOT NULL,
                  seconds_left DOUBLE PRECISION,
                  preview INTEGER NOT NULL,
                  reason TEXT,
                  outcome TEXT
                )
                """,
            "CREATE UNIQUE INDEX coser_jobs_key ON coser_jobs (owner, idempotency_key)",
            "CREATE INDEX coser_jobs_waiting ON coser_jobs (priority DESC, seq) WHERE state = 'queued'",
            "CREATE INDEX coser_jobs_leases ON coser_jobs (lease_until) WHERE state = 'running'",
            "CREATE INDEX coser_jobs_batch ON coser_jobs (batch, shard, state)",
            "CREATE INDEX coser_jobs_owner ON coser_jobs (owner, seq)",
            "CREATE INDEX coser_jobs_input ON coser_jobs (input_hash)",
            "CREATE INDEX coser_jobs_reference ON coser_jobs (reference_hash) WHERE reference_hash IS NOT NULL",
            """
                CREATE TABLE coser_files (
                  job TEXT NOT NULL REFERENCES coser_jobs (id) ON DELETE CASCADE,
                  role TEXT NOT NULL,
                  hash TEXT NOT NULL,
                  PRIMARY KEY (job, role)
                )
                """,
            "CREATE INDEX coser_files_hash ON coser_files (hash)",
        ],
        [
            "ALTER TABLE coser_jobs ADD COLUMN changed BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE coser_jobs ADD COLUMN origin TEXT",
            "ALTER TABLE coser_jobs ADD COLUMN root TEXT",
            "ALTER TABLE coser_jobs ADD COLUMN width INTEGER",
            "ALTER TABLE coser_jobs ADD COLUMN height INTEGER",
            "ALTER TABLE coser_jobs ADD COLUMN bytes BIGINT",
            "CREATE INDEX coser_jobs_changed ON coser_jobs (changed)",
            "CREATE INDEX coser_jobs_state ON coser_jobs (state, owner)",
            "CREATE INDEX coser_jobs_root ON coser_jobs (root) WHERE root IS NOT NULL",
            $"CREATE INDEX coser_jobs_open ON coser_jobs (batch, seq) WHERE {Rows.IsOpen}",
            """
                CREATE TABLE coser_workers (
                  name TEXT PRIMARY KEY,
                  device TEXT NOT NULL,
                  queues TEXT NOT NULL,
                  models TEXT NOT NULL,
                  version TEXT NOT NULL,
                  job TEXT,
                  started BIGINT NOT NULL,
                  seen BIGINT NOT NULL
                )
                """,
        ],
    ];

    /// <summary>The layout this program knows.</summary>
    public static int Newest => Versions.Length;

    /// <exception cref="JobsException">The tables are newer than this program.</exception>
    public static async Task ApplyAsync(Session session, string database)
    {
        await session.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS coser_schema (version INTEGER PRIMARY KEY, applied BIGINT NOT NULL)"
        );
        List<int> applied = await session.QueryAsync("SELECT version FROM coser_schema", r => r.GetInt32(0));
        int version = applied.Count > 0 ? applied.Max() : 0;
        if (version > Newest)
            throw new JobsException(
                database,
                $"its tables have version {version}, and this program knows {Newest}",
                "Update coser on this machine, or name another database."
            );
        for (; version < Newest; version++)
        {
            foreach (string statement in Versions[version])
                await session.ExecuteAsync(statement);
            await session.ExecuteAsync(
                "INSERT INTO coser_schema (version, applied) VALUES (@version, @now)",
                ("version", version + 1)
            );
        }
    }
}
