using Coser.Jobs;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;

namespace Coser.Tests.Jobs;

/// <summary>Fresh tables for each test, and jobs to put into them; the tests run on each database.</summary>
public abstract class LedgerTests : IDisposable
{
    private protected static readonly LeaseOptions Patient = new() { Backoff = TimeSpan.Zero };
    private protected static readonly LeaseOptions Hasty = Patient with { Length = TimeSpan.FromMilliseconds(1) };
    private protected static readonly WorkerAbility Able = new("w", [JobQueues.Cpu, JobQueues.Any]);

    private protected TemporaryFolder Folder { get; } = new();

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract string NewDatabase();

    private protected Task<JobLedger> OpenAsync(LeaseOptions? leases = null) =>
        JobLedger.OpenAsync(DatabaseAddress.Parse(NewDatabase()), leases ?? Patient);

    private protected static NewJob New(string name) =>
        new()
        {
            Name = name,
            Options = new JobOptions { Model = "small" },
            InputHash = new string('a', 64),
            Priority = JobPriority.Batch,
        };

    private protected static async IAsyncEnumerable<NewJob> Many(int count)
    {
        for (int i = 0; i < count; i++)
            yield return New($"{i}") with
            {
                IdempotencyKey = $"{i}",
            };
        await Task.CompletedTask;
    }

    private protected static JobOutcome Outcome(string digit) =>
        new() { Files = [new JobFile(JobFile.ResultRole, string.Concat(Enumerable.Repeat(digit, 64)), "a.png", 1)] };
}
