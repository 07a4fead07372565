using System.CommandLine;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Storage;

namespace Coser.Cli.Working;

/// <summary>The options that say where jobs and their files are, shared by all commands about jobs.</summary>
internal sealed class JobPlace
{
    public const string DatabaseVariable = "COSER_DATABASE";
    public const string StoreVariable = "COSER_STORE";

    private readonly Option<string> _database = new("--database")
    {
        Description = "Where jobs are kept: a SQLite file, or postgres://USER:PASSWORD@HOST/NAME for several machines.",
        HelpName = "file|url",
    };
    private readonly Option<string> _store = new("--store")
    {
        Description = "The folder of inputs and results, the same one for all machines.",
        HelpName = "folder",
    };

    public void AddTo(Command command, HelpPages help)
    {
        help.Group(command, "Jobs", _database, _store);
        help.Default(_database, $"{DatabaseVariable}, else a file of this user");
        help.Default(_store, $"{StoreVariable}, else beside the file");
    }

    public async Task<OpenJobs> OpenAsync(CliHost host, ParseResult parsed, LeaseOptions? leases = null)
    {
        DatabaseAddress address = Address(host, parsed);
        string folder =
            parsed.GetValue(_store)
            ?? Variable(StoreVariable)
            ?? (
                address.IsShared
                    ? throw new UsageException(
                        $"--store is missing: name a folder that every machine of {address.Shown} sees (or set {StoreVariable})."
                    )
                    : Path.Combine(Path.GetDirectoryName(address.Shown)!, "store")
            );
        ContentStore store = ContentStore.Open(Path.GetFullPath(folder, host.WorkingFolder));
        JobLedger queue = await JobLedger.OpenAsync(address, leases, cancel: host.Cancel);
        try
        {
            await queue.BindStoreAsync(store, host.Cancel);
        }
        catch
        {
            await queue.DisposeAsync();
            throw;
        }
        return new OpenJobs(address, queue, store);
    }

    /// <summary>For commands that touch no file.</summary>
    public Task<JobLedger> OpenQueueAsync(CliHost host, ParseResult parsed) =>
        JobLedger.OpenAsync(Address(host, parsed), cancel: host.Cancel);

    private DatabaseAddress Address(CliHost host, ParseResult parsed)
    {
        string text = parsed.GetValue(_database) ?? Variable(DatabaseVariable) ?? DatabaseAddress.DefaultFile;
        return DatabaseAddress.Parse(
            text.Contains("://", StringComparison.Ordinal) ? text : Path.GetFullPath(text, host.WorkingFolder)
        );
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

/// <summary>Jobs and their files, opened.</summary>
internal sealed record OpenJobs(DatabaseAddress Address, JobLedger Queue, ContentStore Store) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Queue.DisposeAsync();
}
