using System.Data.Common;
using Coser.Jobs.Model;

namespace Coser.Jobs.Storage;

/// <summary>
/// What differs between the databases. Statements are written once, in the SQL both know, with <c>@now</c> for the present
/// in milliseconds since 1970 and <c>{skip-locked}</c> and <c>{identity}</c> where the dialects part.
/// </summary>
internal abstract class SqlDialect : IAsyncDisposable
{
    public abstract string Shown { get; }

    public static SqlDialect Of(DatabaseAddress address, TimeProvider clock) =>
        address.IsShared ? new PostgresDialect(address) : new SqliteDialect(address, clock);

    /// <exception cref="DbException">The database does not answer, or refuses.</exception>
    public abstract Task<DbConnection> OpenAsync(CancellationToken cancel);

    /// <summary>Lets one process at a time change the tables' layout, until the transaction ends.</summary>
    public abstract string? MigrationLock { get; }

    /// <summary>Puts a statement into this database's words.</summary>
    public abstract void Write(DbCommand command, string sql);

    /// <summary>True when the same statement may well succeed a moment later.</summary>
    public abstract bool IsTransient(Exception e);

    /// <summary>Says what is wrong in words.</summary>
    public abstract JobsException Explain(Exception e);

    public abstract ValueTask DisposeAsync();
}
