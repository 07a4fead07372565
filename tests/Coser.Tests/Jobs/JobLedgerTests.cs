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

/// <summary>What the tables promise, on each database.</summary>
public abstract class JobLedgerTests : IDisposable
{
    private static readonly LeaseOptions Patient = new() { Backoff = TimeSpan.Zero };
    private static readonly LeaseOptions Hasty = Patient with { Length = TimeSpan.FromMilliseconds(1) };
    private static readonly WorkerAbility Able = new("w", [JobQueues.Cpu, JobQueues.Any]);

    private protected TemporaryFolder Folder { get; } = new();

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract string NewDatabase();

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
    public async Task Each_job_is_claimed_once_however_many_ask()
    {
        await using JobLedger queue = await OpenAsync();
        for (int i = 0; i < 40; i++)
            await queue.SubmitAsync(New($"{i}"));
        async Task<List<string>> ClaimAll()
        {
            List<string> mine = [];
            while (await queue.Leases.ClaimAsync(Able) is { } lease)
                mine.Add(lease.Job.Id);
            return mine;
        }
        List<string>[] claimed = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(ClaimAll)));
        Assert.Equal(40, claimed.Sum(c => c.Count));
        Assert.Equal(40, claimed.SelectMany(c => c).Distinct().Count());
    }

    [Fact]
    public async Task Interactive_jobs_come_first_then_order_of_submission_and_only_what_the_worker_can_do()
    {
        await using JobLedger queue = await OpenAsync();
        await queue.SubmitAsync(New("gpu") with { Queue = JobQueues.Cuda });
        await queue.SubmitAsync(New("other model") with { Options = new JobOptions { Model = "big" } });
        await queue.SubmitAsync(New("first"));
        await queue.SubmitAsync(New("second") with { Queue = JobQueues.Cpu });
        await queue.SubmitAsync(New("now") with { Priority = JobPriority.Interactive });
        WorkerAbility small = Able with { Models = ["small"] };
        List<string> order = [];
        while (await queue.Leases.ClaimAsync(small) is { } lease)
            order.Add(lease.Job.Request.Name);
        Assert.Equal(["now", "first", "second"], order);
        Assert.Equal("other model", (await queue.Leases.ClaimAsync(Able))!.Job.Request.Name);
        Assert.Equal("gpu", (await queue.Leases.ClaimAsync(Able with { Queues = [JobQueues.Cuda] }))!.Job.Request.Name);
    }

    [Fact]
    public async Task A_lost_lease_lets_another_take_over_and_shuts_the_first_out()
    {
        await using JobLedger queue = await OpenAsync(Hasty);
        await queue.SubmitAsync(New("a"));
        JobLease first = (await queue.Leases.ClaimAsync(Able))!;
        await Task.Delay(20);
        Assert.Equal(1, await queue.Leases.ReapAsync());
        JobLease second = (await queue.Leases.ClaimAsync(Able with { Worker = "v" }))!;
        Assert.Equal(first.Job.Id, second.Job.Id);
        Assert.Equal(1, second.Job.Losses);
        Assert.Contains("worker w disappeared", second.Job.Reason, StringComparison.Ordinal);

        Assert.Equal(LeaseAnswer.Lost, await queue.Leases.ReportAsync(first));
        Assert.False(await queue.Leases.CompleteAsync(first, Outcome("1")));
        Assert.False(await queue.Leases.FailAsync(first, "no", forGood: true));
        Assert.False(await queue.Leases.ReleaseAsync(first));
        Assert.True(await queue.Leases.CompleteAsync(second, Outcome("2")));
        Assert.True(await queue.Leases.CompleteAsync(second, Outcome("2"))); // the answer was lost, and it asks again
        Assert.False(await queue.Leases.CompleteAsync(first, Outcome("1")));
        Job done = (await queue.FindAsync(first.Job.Id))!;
        Assert.Equal(JobState.Done, done.State);
        Assert.Equal(Outcome("2").Result, done.Outcome!.Result);
        Assert.NotNull(done.Finished);
    }

    [Fact]
    public async Task A_lease_slides_with_every_report()
    {
        await using JobLedger queue = await OpenAsync(Patient with { Length = TimeSpan.FromSeconds(3) });
        await queue.SubmitAsync(New("a"));
        JobLease lease = (await queue.Leases.ClaimAsync(Able))!;
        for (int i = 1; i <= 5; i++)
        {
            await Task.Delay(800);
            Assert.Equal(0, await queue.Leases.ReapAsync());
            Assert.Equal(
                LeaseAnswer.Continue,
                await queue.Leases.ReportAsync(lease, new JobProgress("s", i, 9, 1.5, 2))
            );
        }
        Job job = (await queue.FindAsync(lease.Job.Id))!;
        Assert.Equal(new JobProgress("s", 5, 9, 1.5, 2), job.Progress);
        Assert.True(job.Revision > lease.Job.Revision);
    }

    [Fact]
    public async Task A_poison_job_is_tried_three_times_and_quarantined_until_somebody_retries_it()
    {
        await using JobLedger queue = await OpenAsync();
        Job poison = await queue.SubmitAsync(New("poison"));
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            JobLease lease = (await queue.Leases.ClaimAsync(Able))!;
            Assert.True(await queue.Leases.FailAsync(lease, $"crash {attempt}", forGood: false));
        }
        Assert.Null(await queue.Leases.ClaimAsync(Able));
        Job job = (await queue.FindAsync(poison.Id))!;
        Assert.Equal((JobState.Quarantined, "crash 3", 3), (job.State, job.Reason, job.Attempts));
        Assert.Equal(1, await queue.RetryAsync(new JobFilter { Id = poison.Id }));
        JobLease again = (await queue.Leases.ClaimAsync(Able))!;
        Assert.Equal((0, null), (again.Job.Attempts, again.Job.Reason));
    }

    [Fact]
    public async Task What_cannot_succeed_is_tried_once_and_lost_workers_are_borne_longer()
    {
        await using JobLedger queue = await OpenAsync(Hasty);
        Job bad = await queue.SubmitAsync(New("bad"));
        Assert.True(await queue.Leases.FailAsync((await queue.Leases.ClaimAsync(Able))!, "no photo", forGood: true));
        Assert.Equal(JobState.Failed, (await queue.FindAsync(bad.Id))!.State);
        Job killer = await queue.SubmitAsync(New("killer"));
        for (int loss = 1; loss <= 5; loss++)
        {
            Assert.NotNull(await queue.Leases.ClaimAsync(Able));
            await Task.Delay(20);
            Assert.Equal(1, await queue.Leases.ReapAsync());
            JobState state = (await queue.FindAsync(killer.Id))!.State;
            Assert.Equal(loss < 5 ? JobState.Queued : JobState.Quarantined, state);
        }
    }

    [Fact]
    public async Task A_failed_attempt_waits_before_the_next()
    {
        await using JobLedger queue = await OpenAsync(Patient with { Backoff = TimeSpan.FromMinutes(5) });
        await queue.SubmitAsync(New("a"));
        await queue.Leases.FailAsync((await queue.Leases.ClaimAsync(Able))!, "out of memory", forGood: false);
        Assert.Null(await queue.Leases.ClaimAsync(Able));
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

    private Task<JobLedger> OpenAsync(LeaseOptions? leases = null) =>
        JobLedger.OpenAsync(DatabaseAddress.Parse(NewDatabase()), leases ?? Patient);

    private static NewJob New(string name) =>
        new()
        {
            Name = name,
            Options = new JobOptions { Model = "small" },
            InputHash = new string('a', 64),
            Priority = JobPriority.Batch,
        };

    private static async IAsyncEnumerable<NewJob> Many(int count)
    {
        for (int i = 0; i < count; i++)
            yield return New($"{i}") with
            {
                IdempotencyKey = $"{i}",
            };
        await Task.CompletedTask;
    }

    private static JobOutcome Outcome(string digit) =>
        new() { Files = [new JobFile(JobFile.ResultRole, string.Concat(Enumerable.Repeat(digit, 64)), "a.png", 1)] };
}
