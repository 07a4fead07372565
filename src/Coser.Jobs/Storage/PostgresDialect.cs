using System.Data.Common;
using System.Net.Sockets;
using Coser.Jobs.Model;
using Npgsql;

namespace Coser.Jobs.Storage;

/// <summary>PostgreSQL. Its clock is the time for all machines, so that theirs may differ.</summary>
internal sealed class PostgresDialect(DatabaseAddress address) : SqlDialect
{
    private const string Now = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

    // Any number that no other program of the same database uses.
    private const long LockKey = 0x434F53455231;
    private readonly NpgsqlDataSource _source = new NpgsqlDataSourceBuilder(address.Connection).Build();

    public override string Shown => address.Shown;

    public override string? MigrationLock { get; } = $"SELECT pg_advisory_xact_lock({LockKey})";

    public override async Task<DbConnection> OpenAsync(CancellationToken cancel) =>
        await _source.OpenConnectionAsync(cancel);

    public override void Write(DbCommand command, string sql) =>
        command.CommandText = sql.Replace("{skip-locked}", "FOR UPDATE SKIP LOCKED", StringComparison.Ordinal)
            .Replace("{identity}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", StringComparison.Ordinal)
            .Replace("@now", Now, StringComparison.Ordinal);

    public override bool IsTransient(Exception e) =>
        e is NpgsqlException { IsTransient: true }
        // A server that is being stopped, or has lost one of its processes.
        || e is PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown }
        || e is NpgsqlException { InnerException: IOException or SocketException or TimeoutException };

    public override JobsException Explain(Exception e) =>
        e is PostgresException { SqlState: "28P01" or "28000" or "3D000" }
            ? new JobsException(
                Shown,
                e.Message,
                "Check user, password and name in --database, and make the database with 'createdb'.",
                e
            )
            : new JobsException(
                Shown,
                $"the job database cannot be used ({e.Message})",
                "Check that PostgreSQL runs there and lets this machine in (pg_hba.conf), and the address in --database.",
                e
            );

    public override ValueTask DisposeAsync() => _source.DisposeAsync();
}
