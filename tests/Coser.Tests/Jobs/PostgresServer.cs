using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Coser.Tests.Jobs;

/// <summary>A PostgreSQL of our own, on loopback, in a temporary data folder, that goes with the tests.</summary>
public sealed class PostgresServer : IDisposable
{
    private static readonly string? Programs = Directory.Exists("/usr/lib/postgresql")
        ? Directory
            .EnumerateDirectories("/usr/lib/postgresql")
            .Select(d => Path.Combine(d, "bin"))
            .Where(d => File.Exists(Path.Combine(d, "initdb")))
            .Order(StringComparer.Ordinal)
            .LastOrDefault()
        : null;
    private readonly Lazy<string> _folder;
    private readonly int _port = FreePort();
    private int _databases;

    public PostgresServer() => _folder = new Lazy<string>(Start);

    /// <summary>A new empty database. The server is started on first use; without PostgreSQL, the test is skipped.</summary>
    public string NewDatabase()
    {
        if (Programs is null)
        {
            Assert.False(
                Environment.GetEnvironmentVariable("COSER_REQUIRE_POSTGRES") == "1",
                "PostgreSQL is not installed, and these tests must run here"
            );
            Assert.Skip("PostgreSQL is not installed (apt-get install postgresql)");
        }
        string name = $"coser{Interlocked.Increment(ref _databases)}";
        Run(
            "psql",
            "-h",
            _folder.Value,
            "-p",
            _port.ToString(),
            "-U",
            "coser",
            "-c",
            $"CREATE DATABASE {name}",
            "postgres"
        );
        return $"postgres://coser@127.0.0.1:{_port}/{name}";
    }

    /// <summary>Stops the server at once, as a crash would, and starts it again.</summary>
    public void Restart()
    {
        Run("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        Launch(_folder.Value);
    }

    public void Dispose()
    {
        if (!_folder.IsValueCreated)
            return;
        Run("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        Directory.Delete(_folder.Value, recursive: true);
    }

    private string Data => Path.Combine(_folder.Value, "data");

    private string Start()
    {
        string folder = Directory.CreateTempSubdirectory("coser-pg-").FullName;
        if (Environment.IsPrivilegedProcess)
            Tool("chown", "postgres", folder);
        Run(
            "initdb",
            "-D",
            Path.Combine(folder, "data"),
            "-U",
            "coser",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync"
        );
        Launch(folder);
        return folder;
    }

    private void Launch(string folder) =>
        Run(
            "pg_ctl",
            "-D",
            Path.Combine(folder, "data"),
            "-l",
            Path.Combine(folder, "log"),
            "-o",
            $"-p {_port} -h 127.0.0.1 -k {folder}",
            "-w",
            "-t",
            "120",
            "start"
        );

    // The server refuses to run as root: Debian's package has made a user for it.
    private static void Run(string program, params string[] arguments)
    {
        string path = Path.Combine(Programs!, program);
        if (Environment.IsPrivilegedProcess)
            Tool("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments]);
        else
            Tool(path, arguments);
    }

    private static void Tool(string program, params string[] arguments)
    {
        // Output to a file: the server keeps its parent's pipes open.
        string log = Path.GetTempFileName();
        try
        {
            if (Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows())
                File.SetUnixFileMode(log, (UnixFileMode)0b110_110_110);
            var start = new ProcessStartInfo(
                "/bin/sh",
                ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1", "sh", log, program, .. arguments]
            )
            {
                WorkingDirectory = "/",
            };
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {File.ReadAllText(log)}");
        }
        finally
        {
            File.Delete(log);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
