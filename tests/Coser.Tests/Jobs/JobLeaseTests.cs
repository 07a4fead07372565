using Coser.Jobs;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;
using Coser.Jobs.Work;

namespace Coser.Tests.Jobs;

public sealed class SqliteJobLeaseTests : JobLeaseTests
{
    protected override string NewDatabase() => Folder.File("jobs.db");
}

public sealed class PostgresJobLeaseTests(PostgresServer server) : JobLeaseTests, IClassFixture<PostgresServer>
{
    protected override string NewDatabase() => server.NewDatabase();
}

/// <summary>What the tables promise workers: who gets which job, for how long, how often.</summary>
public abstract class JobLeaseTests : LedgerTests
{
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
}
