using Coser.Jobs;
using Coser.Jobs.Dispatch;
using Coser.Jobs.Files;
using Coser.Jobs.Work;
using Coser.Server.Feed;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coser.Server.Hosting;

/// <summary>The worker of this process. Photos are restored in a child process: the page outlives whatever happens there.</summary>
internal sealed partial class WorkerService(
    ServerOptions options,
    JobLedger ledger,
    ContentStore store,
    JobFeed feed,
    Dispatching dispatching,
    ILogger<WorkerService> log
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        WorkerOptions settings = options.Worker!;
        await using WorkerPresence presence = WorkerPresence.Begin(ledger, settings);
        using var worker = new Worker(
            ledger,
            store,
            settings,
            news =>
            {
                presence.Tell(news);
                Tell(news);
            }
        );
        await using HangfireDispatch? dispatch = dispatching.Storage is { } storage
            ? new HangfireDispatch(ledger, storage, worker)
            : null;
        await worker.RunAsync(stoppingToken);
    }

    private void Tell(WorkerEvent news)
    {
        feed.Nudge();
        string id = news.Job?.Id ?? "";
        switch (news.Kind)
        {
            case WorkerEventKind.Done when news.Outcome is { } outcome:
                double seconds = Math.Round(outcome.Seconds, 1);
                LogDone(id, outcome.Width, outcome.Height, seconds);
                break;
            case WorkerEventKind.Failed:
                LogFailed(id);
                break;
            case WorkerEventKind.Released:
                LogReleased(id);
                break;
            case WorkerEventKind.Lost:
                LogLost(id);
                break;
            case WorkerEventKind.Trouble:
                LogTrouble(ledger.Shown);
                break;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "job {Id} done, {Width} x {Height}, {Seconds} s")]
    private partial void LogDone(string id, int width, int height, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "job {Id}: an attempt failed")]
    private partial void LogFailed(string id);

    [LoggerMessage(Level = LogLevel.Information, Message = "job {Id} given back")]
    private partial void LogReleased(string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "job {Id} is another worker's by now")]
    private partial void LogLost(string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the jobs of {Database} cannot be reached; trying on")]
    private partial void LogTrouble(string database);
}
