using System.Reflection;
using Coser.Jobs.Model;

namespace Coser.Jobs.Work;

/// <summary>Tells the tables every few seconds that a worker is there, and takes it out when it ends.</summary>
public sealed class WorkerPresence : IAsyncDisposable
{
    private readonly JobLedger _queue;
    private readonly WorkerInfo _worker;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _beating;
    private volatile string? _job;

    private WorkerPresence(JobLedger queue, WorkerOptions options)
    {
        _queue = queue;
        _worker = new WorkerInfo
        {
            Name = options.Name,
            Device = options.Device,
            Queues = options.Queues,
            Models = options.Models ?? [],
            Version =
                typeof(WorkerPresence)
                    .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
                    ?.InformationalVersion
                ?? "",
        };
        _beating = Task.Run(BeatAsync);
    }

    /// <summary>Begins to report.</summary>
    public static WorkerPresence Begin(JobLedger queue, WorkerOptions options) => new(queue, options);

    /// <summary>To be told what the worker tells.</summary>
    public void Tell(WorkerEvent news)
    {
        if (news.Kind != WorkerEventKind.Trouble)
            _job = news.Kind == WorkerEventKind.Started ? news.Job?.Id : null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beating;
        _stop.Dispose();
    }

    // A database that is away is the worker's to complain about.
    private async Task BeatAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _queue.Workers.ReportAsync(_worker with { Job = _job }, _stop.Token);
                await Task.Delay(WorkerTable.Beat, _stop.Token);
            }
            catch (OperationCanceledException) { }
            catch (JobsException) { }
        }
        try
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await _queue.Workers.RemoveAsync(_worker.Name, soon.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or JobsException) { }
    }
}
