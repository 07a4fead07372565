using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coser.Server.Hosting;

/// <summary>Removes files that no job needs, an hour after the start and every six hours.</summary>
internal sealed partial class CleanUpService(JobLedger ledger, ContentStore store, ILogger<CleanUpService> log)
    : BackgroundService
{
    private static readonly TimeSpan First = TimeSpan.FromHours(1);
    private static readonly TimeSpan Between = TimeSpan.FromHours(6);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        TimeSpan wait = First;
        while (true)
        {
            await Task.Delay(wait, stoppingToken);
            wait = Between;
            try
            {
                Collected gone = await new FileCollector(ledger, store).CollectAsync(stoppingToken);
                if (gone.Files > 0)
                    LogCleaned(gone.Files, gone.Bytes);
            }
            catch (Exception e) when (e is JobsException or IOException or UnauthorizedAccessException)
            {
                LogTrouble(e.GetType().Name);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Files} files that no job needs removed, {Bytes} bytes")]
    private partial void LogCleaned(long files, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the folder store could not be cleaned ({Kind})")]
    private partial void LogTrouble(string kind);
}
