using Coser.Jobs.Files;
using Coser.Jobs.Model;

namespace Coser.Jobs.Work;

/// <summary>
/// Claims jobs and has them restored in a child process, one at a time. It may be killed at any moment: its job is taken over
/// when the lease has run out, and what is visible of a job is whole.
/// </summary>
public sealed class Worker : IDisposable
{
    private readonly JobLedger _queue;
    private readonly ContentStore _store;
    private readonly WorkerOptions _options;
    private readonly Action<WorkerEvent> _tell;
    private readonly SemaphoreSlim _device = new(1, 1);
    private readonly WorkerAbility _ability;
    private readonly CancellationTokenSource _closing = new();
    private ChildProcess? _child;
    private int _jobsOfChild;
    private int _draining;

    /// <param name="tell">Called with news, from the worker's threads, one at a time.</param>
    public Worker(JobLedger queue, ContentStore store, WorkerOptions options, Action<WorkerEvent>? tell = null)
    {
        (_queue, _store, _options) = (queue, store, options);
        _tell = tell ?? (_ => { });
        _ability = new WorkerAbility(options.Name, options.Queues, options.Models);
    }

    /// <summary>Capabilities this worker has.</summary>
    public IReadOnlyList<string> Queues => _options.Queues;

    /// <summary>
    /// Works until it is told to stop; then the running job's state is put away and the job given back, for another worker
    /// to go on with.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        // A shard that the dispatcher has begun stops with it, or would claim the job that was just given back.
        using CancellationTokenRegistration closing = stop.Register(_closing.Cancel);
        while (!stop.IsCancellationRequested)
        {
            bool worked = false;
            try
            {
                await _queue.Leases.ReapAsync(stop);
                // A shard that is being drained takes interactive jobs first, too: nothing waits for this loop then.
                worked = Volatile.Read(ref _draining) == 0 && await OneAsync(_ability, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is JobsException or IOException or UnauthorizedAccessException)
            {
                _tell(new WorkerEvent(WorkerEventKind.Trouble, null, e.Message));
            }
            if (!worked)
                await WaitAsync(stop);
        }
    }

    /// <summary>
    /// Works until there is nothing left that it could do now or, after waiting, soon: jobs that wait for their next attempt
    /// included.
    /// </summary>
    /// <returns>Jobs it had in hand.</returns>
    public async Task<int> RunUntilEmptyAsync(CancellationToken stop)
    {
        int count = 0;
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            await _queue.Leases.ReapAsync(stop);
            if (await OneAsync(_ability, stop))
                count++;
            else if (!await _queue.Leases.HasWaitingAsync(_ability, stop))
                return count;
            else
                await WaitAsync(stop);
        }
    }

    /// <summary>Works off a shard of a batch, interactive jobs first. For the dispatcher.</summary>
    public async Task DrainAsync(BatchShard shard, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _closing.Token);
        Interlocked.Increment(ref _draining);
        try
        {
            either.Token.ThrowIfCancellationRequested();
            while (await OneAsync(_ability with { Within = shard }, either.Token))
                either.Token.ThrowIfCancellationRequested();
        }
        finally
        {
            Interlocked.Decrement(ref _draining);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _child?.Dispose();
        _device.Dispose();
        _closing.Dispose();
    }

    // False when there was nothing to do.
    private async Task<bool> OneAsync(WorkerAbility ability, CancellationToken stop)
    {
        await _device.WaitAsync(stop);
        try
        {
            if (await _queue.Leases.ClaimAsync(ability, stop) is not { } lease)
                return false;
            _tell(new WorkerEvent(WorkerEventKind.Started, lease.Job));
            var run = new JobRun(_queue.Leases, _store, _options, lease, Child);
            WorkerEvent end;
            try
            {
                end = await run.RunAsync(stop);
            }
            finally
            {
                if (!run.ChildIsUsable || ++_jobsOfChild >= _options.JobsAChild)
                    Replace();
            }
            _tell(end);
            return true;
        }
        finally
        {
            _device.Release();
        }
    }

    private ChildProcess Child()
    {
        if (_child is { HasExited: false })
            return _child;
        Replace();
        return _child = ChildProcess.Start(_options.Child);
    }

    private void Replace()
    {
        _child?.Dispose();
        (_child, _jobsOfChild) = (null, 0);
    }

    private async Task WaitAsync(CancellationToken stop)
    {
        try
        {
            await Task.Delay(_options.Poll, stop);
        }
        catch (OperationCanceledException) { }
    }
}
