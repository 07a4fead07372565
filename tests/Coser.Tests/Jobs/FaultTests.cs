using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;
using Coser.Tests.Restoration;

namespace Coser.Tests.Jobs;

/// <summary>
/// Three workers on PostgreSQL, one of them killed every few seconds, the database once: every job ends once. The long form:
/// <c>COSER_FAULT_JOBS=200 bash test.sh -class '*FaultTests'</c>.
/// </summary>
[Collection(ProcessWide.Name)]
public sealed class FaultTests(PostgresServer server) : IClassFixture<PostgresServer>, IDisposable
{
    private const int Workers = 3;
    private static readonly int Jobs = Setting("COSER_FAULT_JOBS", 30);
    private static readonly int Seed = Setting("COSER_KILL_SEED", 20261);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Workers_and_database_may_die_and_every_job_ends_once_with_a_whole_result()
    {
        string database = server.NewDatabase();
        using var small = new SmallModel();
        string model = small.Model();
        ContentStore store = ContentStore.Open(_folder.File("store"));
        await using JobLedger queue = await JobLedger.OpenAsync(DatabaseAddress.Parse(database));
        await queue.BindStoreAsync(store);
        Batch batch = await queue.SubmitAsync(new NewBatch("faults"), Entries(store, model));
        Assert.Equal(Jobs, batch.Entries);

        var random = new Random(Seed);
        var clock = Stopwatch.StartNew();
        var workers = new List<Process>();
        int kills = 0;
        bool restarted = false;
        try
        {
            for (int i = 0; i < Workers; i++)
                workers.Add(Start(database, store));
            JobCounts counts;
            do
            {
                // The first kill follows the first result at once.
                await Task.Delay(kills == 0 ? 100 : random.Next(300, 1500));
                counts = await queue.CountAsync(new JobFilter { Batch = batch.Id });
                // Not before they have got somewhere: processes that are killed while they start kill nothing.
                if (counts[JobState.Done] > 0 && counts.Open > 0 && kills < Math.Max(4, Jobs / 10))
                {
                    int victim = random.Next(Workers);
                    workers[victim].Kill(); // SIGKILL, the worker alone: its child must end by itself
                    workers[victim].WaitForExit();
                    workers[victim].Dispose();
                    workers[victim] = Start(database, store);
                    kills++;
                }
                if (!restarted && counts[JobState.Done] >= Jobs / 3)
                {
                    server.Restart();
                    restarted = true;
                }
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(240 + 10 * Jobs), string.Join(", ", counts.ByState));
            } while (counts.Open > 0);
        }
        finally
        {
            foreach (Process worker in workers)
            {
                worker.Kill(entireProcessTree: true);
                worker.Dispose();
            }
        }
        IReadOnlyList<Job> jobs = await queue.ListAsync(new JobFilter { Batch = batch.Id, Limit = int.MaxValue });
        Assert.Equal(Jobs, jobs.Count);
        Assert.All(jobs, j => Assert.Equal((JobState.Done, 0), (j.State, j.Attempts)));
        Assert.True(kills > 1 && restarted, $"{kills} kills, restarted {restarted}: nothing was tried");
        foreach (Job job in jobs)
        {
            string hash = job.Outcome!.Result!.Hash;
            byte[] result = await File.ReadAllBytesAsync(store.PathOf(hash));
            Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(result)));
            Assert.Equal(result, await File.ReadAllBytesAsync(job.Request.OutputPath!));
            using Coser.Imaging.Photo photo = Coser.Imaging.Photo.Open(job.Request.OutputPath!);
            Assert.Equal((job.Outcome.Width, job.Outcome.Height), (photo.Width, photo.Height));
        }
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{Jobs} jobs, {kills} kills, {jobs.Sum(j => j.Losses)} jobs taken over, {clock.Elapsed.TotalSeconds:f0} s"
        );
    }

    private async IAsyncEnumerable<NewJob> Entries(ContentStore store, string model)
    {
        for (int i = 0; i < Jobs; i++)
        {
            string photo = _folder.File($"{i}.png");
            // Large enough that the work outlasts the first kills on any machine.
            using (NetVips.Image noise = NetVips.Image.Gaussnoise(400 + i % 17, 300, mean: 128, sigma: 40, seed: i + 1))
            using (NetVips.Image bytes = noise.Cast(NetVips.Enums.BandFormat.Uchar))
                bytes.Pngsave(photo);
            yield return new NewJob
            {
                Name = $"{i}.png",
                InputHash = (await store.PutFileAsync(photo)).Hash,
                OutputPath = _folder.File($"large/{i}.png"),
                Options = new JobOptions { Model = model },
                Priority = JobPriority.Batch,
            };
        }
    }

    private static Process Start(string database, ContentStore store)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Coser.Cli.dll");
        var start = new ProcessStartInfo(
            "dotnet",
            [
                program,
                "worker",
                "--database",
                database,
                "--store",
                store.Folder,
                "--lease",
                "4",
                "--threads",
                "1",
                "--queue",
                "any",
            ]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static int Setting(string name, int usual) =>
        int.Parse(
            Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? text : $"{usual}",
            CultureInfo.InvariantCulture
        );
}
