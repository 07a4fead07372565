using Coser.Jobs;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;
using Coser.Jobs.Work;

namespace Coser.Tests.Jobs;

public sealed class SqliteJobLedgerTests : JobLedgerTests
{
    protected override string NewDatabase() => Folder.File("jobs.db");
}

public sealed class PostgresJobLedgerTests(PostgresServer server) : JobLedgerTests, IClassFixture<PostgresServer>
{
    protected override string NewDatabase() => server.NewDatabase();
}

/// <summary>What the tables promise those who hand in, steer and watch jobs.</summary>
public abstract class JobLedgerTests : LedgerTests
{
    [Fact]
    public async Task A_job_keeps_all_it_was_handed_in_with()
    {
        await using JobLedger queue = await OpenAsync();
        NewJob asked = New("a ü '.jpg") with
        {
            Options = new JobOptions
            {
                Model = "m",
                Scale = 2.5,
                Seed = long.MaxValue,
                Prompt = "a \"cat\"\nand more",
                Guidance = 3.25,
                Steps = 7,
                Reference = Coser.Restoration.ReferenceSource.Photo,
                KeepStages = true,
            },
            Owner = "somebody",
            ReferenceHash = new string('b', 64),
        };
        Job made = await queue.SubmitAsync(asked);
        Assert.Equal(asked, made.Request);
        Assert.Equal(JobState.Queued, made.State);
        Assert.InRange(made.Created, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal(made, await queue.FindAsync(made.Id));
        Assert.Null(await queue.FindAsync("no such job"));
    }

    [Fact]
    public async Task Cancel_takes_waiting_jobs_at_once_and_running_ones_by_their_worker()
    {
        await using JobLedger queue = await OpenAsync(Patient);
        Job running = await queue.SubmitAsync(New("running"));
        JobLease lease = (await queue.Leases.ClaimAsync(Able))!;
        Job waiting = await queue.SubmitAsync(New("waiting"));
        Assert.Equal(1, await queue.CancelAsync(new JobFilter { Id = waiting.Id }));
        Assert.Equal(0, await queue.CancelAsync(new JobFilter { Id = waiting.Id }));
        Assert.Equal(0, await queue.CancelAsync(new JobFilter { Id = running.Id, Owner = "somebody else" }));
        Assert.Equal(1, await queue.CancelAsync(new JobFilter { Id = running.Id }));
        Assert.Equal(JobState.Cancelled, (await queue.FindAsync(waiting.Id))!.State);
        Assert.Equal(JobState.Running, (await queue.FindAsync(running.Id))!.State);
        Assert.Equal(LeaseAnswer.Cancel, await queue.Leases.ReportAsync(lease));
        Assert.True(await queue.Leases.ReleaseAsync(lease));
        Assert.Equal(JobState.Cancelled, (await queue.FindAsync(running.Id))!.State);
        Assert.Null(await queue.Leases.ClaimAsync(Able));
    }

    [Fact]
    public async Task A_paused_batch_rests_those_submitted_meanwhile_too_and_goes_on()
    {
        await using JobLedger queue = await OpenAsync(Patient);
        Batch batch = await queue.SubmitAsync(new NewBatch("b", IdempotencyKey: "k"), Many(3));
        JobLease lease = (await queue.Leases.ClaimAsync(Able))!;
        var whole = new JobFilter { Batch = batch.Id };
        Assert.Equal(2, await queue.PauseAsync(whole));
        Assert.Equal(LeaseAnswer.Continue, await queue.Leases.ReportAsync(lease));
        await queue.SubmitAsync(new NewBatch("b", IdempotencyKey: "k"), Many(5));
        Assert.Null(await queue.Leases.ClaimAsync(Able));
        Assert.Equal(4, (await queue.CountAsync(whole))[JobState.Paused]);
        await queue.PauseAsync(whole, running: true);
        Assert.Equal(LeaseAnswer.Pause, await queue.Leases.ReportAsync(lease));
        await queue.Leases.ReleaseAsync(lease);
        Assert.Equal(5, (await queue.CountAsync(whole))[JobState.Paused]);
        Assert.Equal(5, await queue.ResumeAsync(whole));
        Assert.NotNull(await queue.Leases.ClaimAsync(Able));
    }

    [Fact]
    public async Task The_same_key_is_the_same_job_and_another_request_is_refused()
    {
        await using JobLedger queue = await OpenAsync();
        NewJob asked = New("a") with { IdempotencyKey = "k" };
        Job[] made = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(() => queue.SubmitAsync(asked))));
        Assert.Single(made.Select(j => j.Id).Distinct());
        await Assert.ThrowsAsync<IdempotencyConflictException>(() => queue.SubmitAsync(asked with { Name = "b" }));
        Assert.NotEqual(made[0].Id, (await queue.SubmitAsync(asked with { Owner = "other" })).Id);
    }

    [Fact]
    public async Task A_long_manifest_is_handed_in_as_it_comes_and_an_interrupted_one_gone_on_with()
    {
        await using JobLedger queue = await OpenAsync();
        int ahead = 0;
        long told = 0;
        async IAsyncEnumerable<NewJob> Entries(int count, int breaks)
        {
            for (int i = 0; i < count; i++)
            {
                ahead = Math.Max(ahead, i - (int)told);
                if (i == breaks)
                    throw new InvalidOperationException("interrupted");
                yield return New($"{i}") with
                {
                    IdempotencyKey = $"{i}",
                };
                if (i % 100 == 0)
                    await Task.Yield();
            }
        }
        var batch = new NewBatch("long", IdempotencyKey: "k");
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            queue.SubmitAsync(batch, Entries(2500, 1700), n => told = n)
        );
        told = 0;
        Batch whole = await queue.SubmitAsync(batch, Entries(2500, -1), n => told = n);
        Assert.Equal((2500, true), (whole.Entries, whole.IsComplete));
        Assert.Equal(2500, (await queue.CountAsync(new JobFilter { Batch = whole.Id })).Total);
        Assert.InRange(ahead, 1, 400); // never more than a chunk or two of the manifest in memory

        List<BatchShard> shards = [];
        while (await queue.Batches.NextShardAsync(default) is { } shard)
            shards.Add(shard);
        Assert.Equal([0, 1, 2], shards.Select(s => s.Shard));
        Assert.All(shards, s => Assert.Equal([JobQueues.Any], s.Queues));
    }

    [Fact]
    public async Task Lists_come_in_pages_and_ended_jobs_can_be_forgotten()
    {
        await using JobLedger queue = await OpenAsync(Patient);
        for (int i = 0; i < 5; i++)
            await queue.SubmitAsync(New($"{i}"));
        IReadOnlyList<Job> page = await queue.ListAsync(new JobFilter { Limit = 2 });
        Assert.Equal(["4", "3"], page.Select(j => j.Request.Name));
        page = await queue.ListAsync(new JobFilter { Limit = 2, Before = page[^1].Sequence });
        Assert.Equal(["2", "1"], page.Select(j => j.Request.Name));
        JobLease lease = (await queue.Leases.ClaimAsync(Able))!;
        await queue.Leases.CompleteAsync(lease, Outcome("1"));
        Assert.Equal(1, await queue.DeleteAsync(new JobFilter()));
        Assert.Equal(4, (await queue.CountAsync(new JobFilter())).Open);
    }

    [Fact]
    public async Task Watchers_see_what_is_open_what_has_changed_and_what_comes_next()
    {
        await using JobLedger queue = await OpenAsync(Patient);
        long before = await queue.Watch.NowAsync();
        Job low = await queue.SubmitAsync(New("low"));
        Job high = await queue.SubmitAsync(New("high") with { Priority = JobPriority.Interactive, Owner = "other" });
        await queue.SubmitAsync(new NewBatch("b"), Many(1));
        Assert.Equal([high.Id, low.Id], (await queue.Watch.NextAsync(2)));
        Assert.Equal(2, await queue.Watch.CountOpenSinglesAsync());
        Assert.Equal(3, (await queue.Watch.OpenAsync(10)).Count);
        Assert.Equal([high.Id], (await queue.Watch.OpenAsync(10, "other")).Select(j => j.Id));
        Assert.Equal(3, (await queue.Watch.ChangedAsync(before, 10)).Count);
        await Task.Delay(5);
        long between = await queue.Watch.NowAsync();
        JobLease lease = (await queue.Leases.ClaimAsync(Able))!;
        Job claimed = Assert.Single(await queue.Watch.ChangedAsync(between, 10));
        Assert.Equal((high.Id, JobState.Running), (claimed.Id, claimed.State));
        foreach (
            Func<Task> change in new Func<Task>[]
            {
                () => queue.Leases.ReportAsync(lease, new JobProgress("s", 1, 2)),
                () => queue.PauseAsync(new JobFilter { Id = high.Id }, running: true),
                () => queue.Leases.ReleaseAsync(lease),
                () => queue.CancelAsync(new JobFilter { Id = high.Id }),
                () => queue.RetryAsync(new JobFilter { Id = high.Id }),
            }
        )
        {
            await Task.Delay(5);
            between = await queue.Watch.NowAsync();
            await change();
            Job changed = Assert.Single(await queue.Watch.ChangedAsync(between, 10));
            Assert.True(changed.Revision > claimed.Revision && changed.Changed >= between);
            claimed = changed;
        }
        Assert.Empty(await queue.Watch.ChangedAsync(between, 10, "local"));
    }

    [Fact]
    public async Task Runs_of_one_photo_and_parts_of_names_are_found()
    {
        await using JobLedger queue = await OpenAsync();
        Job first = await queue.SubmitAsync(New("100%_Sure.jpg") with { Width = 4, Height = 3, Bytes = 1L << 40 });
        Assert.Equal((4, 3, 1L << 40), (first.Request.Width, first.Request.Height, first.Request.Bytes));
        Job again = await queue.SubmitAsync(first.Request with { Origin = first.Id, Root = first.Id });
        await queue.SubmitAsync(New("other.jpg"));
        async Task<int> Found(JobFilter filter) => (await queue.ListAsync(filter)).Count;
        Assert.Equal(first.Id, again.Request.Origin);
        Assert.Equal(2, await Found(new JobFilter { Root = first.Id }));
        Assert.Equal(2, await Found(new JobFilter { Name = "%_sURE" }));
        Assert.Equal(0, await Found(new JobFilter { Name = "1_0" }));
        Assert.Equal(3, await Found(new JobFilter { Name = "J" }));
    }

    [Fact]
    public async Task Workers_are_listed_while_they_report()
    {
        await using JobLedger queue = await OpenAsync();
        var options = new WorkerOptions
        {
            Child = new ChildCommand("", []),
            Name = "w",
            Models = ["m"],
        };
        await using (WorkerPresence presence = WorkerPresence.Begin(queue, options))
        {
            IReadOnlyList<WorkerInfo> workers = [];
            for (int i = 0; i < 200 && workers.Count == 0; i++)
            {
                await Task.Delay(20);
                workers = await queue.Workers.ListAsync();
            }
            WorkerInfo worker = Assert.Single(workers);
            Assert.Equal(("w", "cpu", null), (worker.Name, worker.Device, worker.Job));
            Assert.Equal(["m"], worker.Models);
        }
        Assert.Empty(await queue.Workers.ListAsync());
    }

    [Fact]
    public async Task Tables_of_a_later_version_are_refused()
    {
        DatabaseAddress address = DatabaseAddress.Parse(NewDatabase());
        await (await JobLedger.OpenAsync(address)).DisposeAsync();
        await using (var database = new Database(SqlDialect.Of(address, TimeProvider.System)))
            await database.ExecuteAsync("INSERT INTO coser_schema (version, applied) VALUES (999, 0)", default);
        JobsException e = await Assert.ThrowsAsync<JobsException>(() => JobLedger.OpenAsync(address));
        Assert.Contains("version 999", e.Message, StringComparison.Ordinal);
    }
}
