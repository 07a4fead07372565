using System.Data.Common;
using System.Diagnostics;
using Coser.Jobs.Model;

namespace Coser.Jobs.Storage;

/// <summary>
/// Runs transactions, and runs them again when the database was away for a moment. All work given to it may therefore run
/// twice: rows have names made beforehand, and changes of state say from which state and lease.
/// </summary>
internal sealed class Database(SqlDialect dialect, TimeSpan? patience = null) : IAsyncDisposable
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(30);

    public string Shown => dialect.Shown;

    /// <summary>A transaction of several statements.</summary>
    public Task<T> TransactAsync<T>(Func<Session, Task<T>> work, CancellationToken cancel) =>
        RetryAsync(
            async () =>
            {
                await using DbConnection connection = await dialect.OpenAsync(cancel);
                await using DbTransaction transaction = await connection.BeginTransactionAsync(cancel);
                T result = await work(new Session(dialect, connection, transaction, cancel));
                await transaction.CommitAsync(cancel);
                return result;
            },
            cancel
        );

    /// <summary>A single statement, which is its own transaction.</summary>
    public Task<T> RunAsync<T>(Func<Session, Task<T>> work, CancellationToken cancel) =>
        RetryAsync(
            async () =>
            {
                await using DbConnection connection = await dialect.OpenAsync(cancel);
                return await work(new Session(dialect, connection, null, cancel));
            },
            cancel
        );

    public Task<int> ExecuteAsync(string sql, CancellationToken cancel, params (string, object?)[] values) =>
        RunAsync(s => s.ExecuteAsync(sql, values), cancel);

    public Task<List<T>> QueryAsync<T>(
        string sql,
        Func<DbDataReader, T> read,
        CancellationToken cancel,
        params (string, object?)[] values
    ) => RunAsync(s => s.QueryAsync(sql, read, values), cancel);

    /// <summary>Brings the tables to this version's layout.</summary>
    public Task MigrateAsync(CancellationToken cancel) =>
        TransactAsync(
            async session =>
            {
                if (dialect.MigrationLock is { } statement)
                    await session.QueryAsync(statement, _ => 0);
                await Migrations.ApplyAsync(session, Shown);
                return 0;
            },
            cancel
        );

    public ValueTask DisposeAsync() => dialect.DisposeAsync();

    private async Task<T> RetryAsync<T>(Func<Task<T>> work, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan wait = FirstWait;
        while (true)
        {
            try
            {
                return await work();
            }
            catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
            {
                if (!dialect.IsTransient(e) || Stopwatch.GetElapsedTime(start) > _patience)
                    throw dialect.Explain(e);
            }
            await Task.Delay(wait, cancel);
            wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        }
    }
}

/// <summary>An open connection, perhaps in a transaction.</summary>
internal sealed class Session(
    SqlDialect dialect,
    DbConnection connection,
    DbTransaction? transaction,
    CancellationToken cancel
)
{
    public async Task<int> ExecuteAsync(string sql, params (string Name, object? Value)[] values)
    {
        await using DbCommand command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    public async Task<List<T>> QueryAsync<T>(
        string sql,
        Func<DbDataReader, T> read,
        params (string Name, object? Value)[] values
    )
    {
        await using DbCommand command = Command(sql, values);
        await using DbDataReader reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancel))
            rows.Add(read(reader));
        return rows;
    }

    private DbCommand Command(string sql, (string Name, object? Value)[] values)
    {
        DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        dialect.Write(command, sql);
        foreach ((string name, object? value) in values)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }
        return command;
    }
}
