using System.Diagnostics;
using System.Threading.Channels;
using TorchSharp;

namespace Coser.Training.Data;

/// <summary>
/// Makes batches ahead of their use on threads of its own. Worker w makes the batches w, w + W, w + 2W, ...; they are
/// handed out in order, so the sequence does not depend on the number of workers.
/// </summary>
/// <typeparam name="T">A batch; made inside no dispose scope, disposed by whoever takes it.</typeparam>
public sealed class Prefetcher<T> : IDisposable
    where T : IDisposable
{
    private readonly Channel<T>[] _channels;
    private readonly Thread[] _threads;
    private readonly CancellationTokenSource _stop = new();
    private readonly Stopwatch _waiting = new();
    private long _next;

    /// <param name="make">Makes batch k; called on worker threads, with one libtorch thread each.</param>
    /// <param name="first">Index of the first batch.</param>
    /// <param name="ahead">Batches each worker may have ready.</param>
    public Prefetcher(Func<long, T> make, long first, int workers, int ahead)
    {
        _channels = [.. Enumerable.Range(0, workers).Select(_ => Channel.CreateBounded<T>(ahead))];
        _next = 0;
        using var ready = new CountdownEvent(workers);
        int threads = torch.get_num_threads();
        _threads =
        [
            .. Enumerable
                .Range(0, workers)
                .Select(w => new Thread(() => Work(make, first + w, _channels[w].Writer, ready))
                {
                    IsBackground = true,
                    Name = $"prefetch {w}",
                }),
        ];
        foreach (Thread thread in _threads)
            thread.Start();
        // The number of threads is per calling thread, but matrix products share one number: ours is set last.
        ready.Wait();
        torch.set_num_threads(threads);
    }

    /// <summary>Time spent in <see cref="Next"/> so far.</summary>
    public TimeSpan Waited => _waiting.Elapsed;

    /// <summary>The next batch. An exception of the worker that made it is thrown here.</summary>
    public T Next()
    {
        _waiting.Start();
        try
        {
            ChannelReader<T> reader = _channels[_next++ % _channels.Length].Reader;
            return reader.ReadAsync(_stop.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (ChannelClosedException e) when (e.InnerException is not null)
        {
            throw new InvalidOperationException("making a batch failed: " + e.InnerException.Message, e.InnerException);
        }
        finally
        {
            _waiting.Stop();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        foreach (Thread thread in _threads)
            thread.Join();
        foreach (Channel<T> channel in _channels)
        {
            while (channel.Reader.TryRead(out T? left))
                left.Dispose();
        }
        _stop.Dispose();
    }

    private void Work(Func<long, T> make, long batch, ChannelWriter<T> writer, CountdownEvent ready)
    {
        torch.set_num_threads(1);
        ready.Signal();
        try
        {
            for (; ; batch += _channels.Length)
            {
                T made = make(batch);
                try
                {
                    writer.WriteAsync(made, _stop.Token).AsTask().GetAwaiter().GetResult();
                }
                catch (OperationCanceledException)
                {
                    made.Dispose();
                    return;
                }
            }
        }
        catch (Exception e)
        {
            writer.TryComplete(e);
        }
    }
}
