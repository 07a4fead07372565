using System.Diagnostics;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;
using Coser.Jobs.Work;
using Coser.Tests.Restoration;

namespace Coser.Tests.Jobs;

/// <summary>The real restoring process, on a whole CoSeR of tiny networks.</summary>
public sealed class ChildProcessTests : IDisposable
{
    private const int Steps = 120; // more than a second even on an idle machine: previews come once a second
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_killed_restoration_goes_on_from_its_saved_state_to_the_same_bytes()
    {
        string model = SmallCoser.Write(_folder.File("model"));
        string photo = _folder.File("photo.png");
        using (Coser.Imaging.Photo picture = SmallCoser.NewPhoto(16, 15))
            picture.Save(photo);
        ContentStore store = ContentStore.Open(_folder.File("store"));
        await using JobLedger queue = await JobLedger.OpenAsync(
            DatabaseAddress.Parse(_folder.File("jobs.db")),
            new LeaseOptions { Backoff = TimeSpan.Zero }
        );
        var asked = new NewJob
        {
            Name = "photo.png",
            InputHash = (await store.PutFileAsync(photo)).Hash,
            Options = new JobOptions
            {
                Model = model,
                Steps = Steps,
                KeepStages = true,
                Previews = true,
                Precision = Coser.Engine.Precision.Fp32,
            },
        };
        Job whole = await queue.SubmitAsync(asked);
        Job broken = await queue.SubmitAsync(asked);
        var options = new WorkerOptions
        {
            Child = new ChildCommand(
                "dotnet",
                // The probing path changes nothing: it tells this child from those of other tests that run beside.
                [
                    "exec",
                    "--additionalprobingpath",
                    _folder.Path,
                    Path.Combine(AppContext.BaseDirectory, "Coser.Cli.dll"),
                    "worker",
                    "child",
                ]
            ),
            Report = TimeSpan.FromMilliseconds(20),
            Save = TimeSpan.FromMilliseconds(100),
        };
        using var worker = new Worker(queue, store, options);
        using var stop = new CancellationTokenSource();
        Task running = worker.RunAsync(stop.Token);
        Job job = await UntilAsync(queue, broken, j => j.State == JobState.Running && HasState(store, j));
        int killed = KillChild(_folder.Path);
        Assert.Equal(1, killed);
        List<int> after = [];
        job = await UntilAsync(
            queue,
            broken,
            j =>
            {
                if (j.Attempts == 1 && j.Progress.Stage == "sampling")
                    after.Add(j.Progress.Step);
                return j.State.IsFinal();
            }
        );
        await stop.CancelAsync();
        await running;
        whole = (await queue.FindAsync(whole.Id))!;
        Assert.Equal((JobState.Done, null), (whole.State, whole.Reason));
        Assert.Equal((JobState.Done, 1), (job.State, job.Attempts));
        Assert.Equal(whole.Outcome!.Result!.Hash, job.Outcome!.Result!.Hash);
        Assert.NotEmpty(after);
        Assert.True(after[0] > 5, $"it began anew, at step {after[0]}");
        Assert.Equal(("photo.x4.png", 64, 60), (job.Outcome.Result.Name, job.Outcome.Width, job.Outcome.Height));
        Assert.Contains(job.Outcome.Files, f => f.Role == JobFile.ReferenceRole);
        Assert.Contains(job.Outcome.Files, f => f.Role == "pre-sr");
        Assert.All(job.Outcome.Files, f => Assert.True(store.Contains(f.Hash)));
        Assert.True(File.Exists(store.PreviewPath(whole.Id)));
        Assert.False(Directory.Exists(store.StateFolder(job.Id)));
    }

    // Sampling, not the reference: what is looked at afterwards are its steps.
    private static bool HasState(ContentStore store, Job job) =>
        job.Progress is { Stage: "sampling", Step: > 10 } && Directory.Exists(store.StateFolder(job.Id));

    private static int KillChild(string marker)
    {
        int count = 0;
        foreach (Process process in Process.GetProcessesByName("dotnet"))
        {
            using (process)
            {
                try
                {
                    if (!File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(marker, StringComparison.Ordinal))
                        continue;
                }
                catch (IOException) // another one that has just ended
                {
                    continue;
                }
                process.Kill();
                count++;
            }
        }
        return count;
    }

    private static async Task<Job> UntilAsync(JobLedger queue, Job job, Func<Job, bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            Job now = (await queue.FindAsync(job.Id))!;
            if (condition(now))
                return now;
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(8), $"{now.State} {now.Progress} {now.Reason}");
            Assert.False(now.State.IsFinal(), $"{now.State} {now.Reason}");
            await Task.Delay(10);
        }
    }
}
