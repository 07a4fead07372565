using Coser.Jobs.Model;
using Coser.Jobs.Storage;
using Coser.Jobs.Work;
using Hangfire;
using Hangfire.InMemory;
using Hangfire.PostgreSql;
using Hangfire.PostgreSql.Factories;
using Hangfire.States;
using Npgsql;
using HangfireJob = Hangfire.Common.Job;

namespace Coser.Jobs.Dispatch;

/// <summary>
/// Hands the shards of batches to workers through Hangfire, whose dashboard shows them. Hangfire knows shards, never jobs or
/// their states: whatever it loses or starts twice, claims and leases decide, and a worker that finds no shard takes jobs
/// from the tables directly.
/// </summary>
public sealed class HangfireDispatch : IAsyncDisposable
{
    // Held while the tables are made; any number that no other program of the same database uses.
    private const long LockKey = 0x434F53455232;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);
    private readonly JobLedger _queue;
    private readonly BackgroundJobClient _client;
    private readonly BackgroundJobServer _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _looking;

    /// <summary>Starts dispatching to a worker of this process.</summary>
    /// <param name="storage">Of <see cref="OpenStorage"/>.</param>
    public HangfireDispatch(JobLedger queue, JobStorage storage, Worker worker)
    {
        _queue = queue;
        _client = new BackgroundJobClient(storage);
        _server = new BackgroundJobServer(
            new BackgroundJobServerOptions
            {
                // A worker is a device, and a device does one job at a time.
                WorkerCount = 1,
                Queues = [.. worker.Queues],
                ServerName = "coser-" + Environment.MachineName,
                Activator = new ShardActivator(worker),
                CancellationCheckInterval = TimeSpan.FromSeconds(5),
                // As long as a restoration may take to put its state away.
                StopTimeout = TimeSpan.FromSeconds(30),
                ShutdownTimeout = TimeSpan.FromSeconds(40),
            },
            storage
        );
        _looking = Task.Run(LookAsync);
    }

    /// <summary>Hangfire's tables: in PostgreSQL, where the jobs are; else in memory.</summary>
    /// <exception cref="JobsException">The database refuses its tables.</exception>
    public static JobStorage OpenStorage(DatabaseAddress address)
    {
        if (!address.IsShared)
            return new InMemoryStorage();
        try
        {
            var options = new PostgreSqlStorageOptions
            {
                SchemaName = "coser_hangfire",
                // A shard runs for hours: without this, it would be started again after half an hour.
                UseSlidingInvisibilityTimeout = true,
                InvisibilityTimeout = TimeSpan.FromMinutes(1),
                QueuePollInterval = TimeSpan.FromSeconds(2),
            };
            // Workers that start at once would make the same tables at once.
            using NpgsqlDataSource source = NpgsqlDataSource.Create(address.Connection);
            using NpgsqlConnection connection = source.OpenConnection();
            using NpgsqlCommand command = connection.CreateCommand();
            command.CommandText = $"SELECT pg_advisory_lock({LockKey})";
            command.ExecuteNonQuery();
            return new PostgreSqlStorage(new NpgsqlConnectionFactory(address.Connection, options), options);
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            throw new JobsException(
                address.Shown,
                $"Hangfire's tables cannot be made ({e.Message})",
                "Its user needs the right to make a schema (GRANT CREATE ON DATABASE).",
                e
            );
        }
    }

    /// <summary>Stops; a shard in hand is given back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _server.SendStop();
        await _server.WaitForShutdownAsync(CancellationToken.None);
        _server.Dispose();
        await _looking;
        _stop.Dispose();
    }

    private async Task LookAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                while (await _queue.Batches.NextShardAsync(_stop.Token) is { } shard)
                    Enqueue(shard);
                await Task.Delay(Look, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            // Shards are a convenience: jobs whose shard is lost are claimed without one.
            catch (Exception e) when (e is JobsException or BackgroundJobClientException)
            {
                await Task.Delay(Look);
            }
        }
    }

    private void Enqueue(BatchShard shard)
    {
        foreach (string queue in shard.Queues)
            _client.Create(
                HangfireJob.FromExpression<ShardWork>(w =>
                    w.RunAsync(shard.Batch, shard.Shard, CancellationToken.None)
                ),
                new EnqueuedState(queue)
            );
    }

    private sealed class ShardActivator(Worker worker) : JobActivator
    {
        public override object ActivateJob(Type jobType) =>
            jobType == typeof(ShardWork) ? new ShardWork(worker) : base.ActivateJob(jobType);
    }
}

/// <summary>What Hangfire calls.</summary>
public sealed class ShardWork(Worker worker)
{
    /// <summary>Works off one shard.</summary>
    [AutomaticRetry(Attempts = 3)]
    public Task RunAsync(string batch, int shard, CancellationToken stop) =>
        worker.DrainAsync(new BatchShard(batch, shard, []), stop);
}
