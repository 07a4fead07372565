using System.Net;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Storage;
using Coser.Jobs.Work;
using Microsoft.Extensions.Logging;

namespace Coser.Server;

/// <summary>How a server is set up. What it opens of its own ends with it; ledger and store stay the caller's.</summary>
public sealed record ServerOptions
{
    /// <summary>The port of <c>coser serve</c>.</summary>
    public const int DefaultPort = 5210;

    /// <summary>The usual <see cref="MaxUpload"/>: 256 MiB.</summary>
    public const long DefaultMaxUpload = 256L << 20;

    /// <summary>The usual <see cref="MaxPixels"/>.</summary>
    public const long DefaultMaxPixels = 100_000_000;

    /// <summary>The usual <see cref="MaxQueue"/>.</summary>
    public const int DefaultMaxQueue = 1000;

    /// <summary>The usual <see cref="RequestsPerSecond"/>.</summary>
    public const int DefaultRequestsPerSecond = 100;

    /// <summary>Where the jobs are.</summary>
    public required DatabaseAddress Database { get; init; }

    /// <summary>The jobs, opened.</summary>
    public required JobLedger Ledger { get; init; }

    /// <summary>Their files.</summary>
    public required ContentStore Store { get; init; }

    /// <summary>The address to listen on; null: this machine alone (loopback).</summary>
    public IPAddress? Listen { get; init; }

    /// <summary>The port; 0: any free one.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Names this server may be called by, beside localhost, the machine's name and addresses in digits.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>File of API keys; null: none.</summary>
    public string? KeysFile { get; init; }

    /// <summary>Folder whose photos may be named by path; null: none may.</summary>
    public string? Root { get; init; }

    /// <summary>Largest file that is taken in, in bytes.</summary>
    public long MaxUpload { get; init; } = DefaultMaxUpload;

    /// <summary>Largest photo that is taken in, in pixels.</summary>
    public long MaxPixels { get; init; } = DefaultMaxPixels;

    /// <summary>Most jobs that wait or run, batches left out.</summary>
    public int MaxQueue { get; init; } = DefaultMaxQueue;

    /// <summary>Requests a second that a caller may send for long; for a moment it may be five times that.</summary>
    public int RequestsPerSecond { get; init; } = DefaultRequestsPerSecond;

    /// <summary>The worker of this process; null: workers are elsewhere.</summary>
    public WorkerOptions? Worker { get; init; }

    /// <summary>The model that is taken when none is named.</summary>
    public string DefaultModel { get; init; } = "coser-mini";

    /// <summary>Folder of the page's files.</summary>
    public string PageFolder { get; init; } = Path.Combine(AppContext.BaseDirectory, "wwwroot");

    /// <summary>Version and commit, to be shown.</summary>
    public string Version { get; init; } = "";

    /// <summary>Takes lines of the log, of which none says anything about a photo; null: nobody listens.</summary>
    public Action<LogLevel, string>? Log { get; init; }

    /// <summary>True when others than this machine's own programs can reach it.</summary>
    public bool IsPublic => Listen is not null && !IPAddress.IsLoopback(Listen);
}
