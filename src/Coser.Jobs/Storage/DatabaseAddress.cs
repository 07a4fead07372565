using Coser.Jobs.Model;
using Npgsql;

namespace Coser.Jobs.Storage;

/// <summary>Where the tables are: a SQLite file, or PostgreSQL (<c>postgres://user:password@host:5432/name</c>).</summary>
public sealed record DatabaseAddress
{
    private DatabaseAddress(string shown, string connection, bool isShared) =>
        (Shown, Connection, IsShared) = (shown, connection, isShared);

    /// <summary>For messages and logs: without a password.</summary>
    public string Shown { get; }

    /// <summary>True for PostgreSQL, which several machines can reach.</summary>
    public bool IsShared { get; }

    /// <summary>The connection string, password included.</summary>
    internal string Connection { get; }

    /// <summary>The file of this user's jobs on this machine, where no other is named.</summary>
    public static string DefaultFile =>
        Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData),
            "coser",
            "jobs",
            "jobs.db"
        );

    /// <summary>Reads an address.</summary>
    /// <exception cref="JobsException">It is neither a path nor a URL of PostgreSQL.</exception>
    public static DatabaseAddress Parse(string address)
    {
        if (!address.Contains("://", StringComparison.Ordinal))
            return ForFile(address);
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("postgres" or "postgresql"))
            throw new JobsException(
                WithoutPassword(address),
                "this is no address of a database",
                "Write postgres://USER:PASSWORD@HOST:PORT/NAME, or the path of a SQLite file."
            );
        string[] user = uri.UserInfo.Split(':', 2);
        var parts = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host.Length > 0 ? uri.Host : "localhost",
            Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort,
            Database = uri.AbsolutePath.Trim('/') is { Length: > 0 } name ? Uri.UnescapeDataString(name) : "coser",
            ApplicationName = "coser",
            // A server that does not answer is noticed well before a lease runs out.
            Timeout = 5,
            CommandTimeout = 30,
            KeepAlive = 10,
        };
        if (user[0].Length > 0)
            parts.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            parts.Password = Uri.UnescapeDataString(user[1]);
        try
        {
            foreach (string pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                string[] sides = pair.Split('=', 2);
                string key = sides[0].Equals("sslmode", StringComparison.OrdinalIgnoreCase) ? "SSL Mode" : sides[0];
                parts[key] = Uri.UnescapeDataString(sides.Length > 1 ? sides[1] : "");
            }
        }
        catch (ArgumentException e)
        {
            throw new JobsException(
                WithoutPassword(address),
                "it has an unknown parameter (" + e.Message + ")",
                "Parameters are those of Npgsql, such as ?sslmode=require.",
                e
            );
        }
        return new DatabaseAddress(
            $"postgres://{parts.Host}:{parts.Port}/{parts.Database}",
            parts.ConnectionString,
            isShared: true
        );
    }

    private static DatabaseAddress ForFile(string path)
    {
        string full = Path.GetFullPath(path);
        var parts = new Microsoft.Data.Sqlite.SqliteConnectionStringBuilder
        {
            DataSource = full,
            DefaultTimeout = 30,
            ForeignKeys = true,
        };
        return new DatabaseAddress(full, parts.ConnectionString, isShared: false);
    }

    private static string WithoutPassword(string address)
    {
        int at = address.LastIndexOf('@');
        int start = address.IndexOf("://", StringComparison.Ordinal) + 3;
        return at > start ? address[..start] + "..." + address[at..] : address;
    }
}
