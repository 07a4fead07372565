using System.Data.Common;
using Coser.Jobs.Model;
using Microsoft.Data.Sqlite;

namespace Coser.Jobs.Storage;

/// <summary>
/// A SQLite file in write-ahead mode: readers never wait for writers, and writers wait for each other. All processes that
/// use it are on one machine, whose clock is the time.
/// </summary>
internal sealed class SqliteDialect(DatabaseAddress address, TimeProvider clock) : SqlDialect
{
    private const int Busy = 5;
    private const int Locked = 6;

    public override string Shown => address.Shown;

    // BEGIN IMMEDIATE, which every transaction here starts with, is the lock.
    public override string? MigrationLock => null;

    public override async Task<DbConnection> OpenAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(address.Shown)!);
        var connection = new SqliteConnection(address.Connection);
        try
        {
            await connection.OpenAsync(cancel);
            await using SqliteCommand command = connection.CreateCommand();
            // FULL: what was told to be done is done after a power cut, too.
            command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";
            await command.ExecuteNonQueryAsync(cancel);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public override void Write(DbCommand command, string sql)
    {
        command.CommandText = sql.Replace("{skip-locked}", "", StringComparison.Ordinal)
            .Replace("{identity}", "INTEGER PRIMARY KEY AUTOINCREMENT", StringComparison.Ordinal);
        if (sql.Contains("@now", StringComparison.Ordinal))
            ((SqliteCommand)command).Parameters.AddWithValue("@now", clock.GetUtcNow().ToUnixTimeMilliseconds());
    }

    public override bool IsTransient(Exception e) => e is SqliteException { SqliteErrorCode: Busy or Locked };

    public override JobsException Explain(Exception e) =>
        new(
            Shown,
            $"the job database cannot be used ({e.Message})",
            "Check that the file and its folder may be written to and the disk is not full, or name another with --database.",
            e
        );

    public override ValueTask DisposeAsync()
    {
        using var connection = new SqliteConnection(address.Connection);
        SqliteConnection.ClearPool(connection);
        return ValueTask.CompletedTask;
    }
}
