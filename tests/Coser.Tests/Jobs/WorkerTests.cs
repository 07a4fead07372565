using System.Diagnostics;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;
using Coser.Jobs.Work;

namespace Coser.Tests.Jobs;

/// <summary>A worker with a restoring process that misbehaves as its photo's name says.</summary>
public sealed class WorkerTests : IAsyncLifetime
{
    // Answers like the real one, in a language that starts at once. $d is the folder of the attempt.
    private const string Script = """
        while read -r line; do
          d=$(printf '%s' "$line" | sed 's/.*"folder":"\([^"]*\)".*/\1/')
          case "$line" in
            stop) continue ;;
            *poison*) echo 'terminate called' >&2; kill -9 $$ ;;
            *hang*) sleep 1000 ;;
            *damaged*) echo '{"kind":"failed","reason":"this is no photo","forGood":true}'; continue ;;
            *slow*)
              echo '{"kind":"progress","progress":{"stage":"sampling","step":1,"steps":4}}'
              read -r word
              if [ "$word" = stop ]; then echo '{"kind":"stopped"}'; fi
              [ -n "$word" ] || exit 0
              continue ;;
          esac
          echo 'native chatter, no message of ours'
          printf 'pixels' > "$d/result.png"
          echo '{"kind":"done","outcome":{"scale":4,"width":8,"files":[{"role":"result","hash":"","name":"result.png","bytes":0}]}}'
        done
        """;
    private readonly TemporaryFolder _folder = new();
    private readonly List<WorkerEvent> _news = [];
    private JobLedger _queue = null!;
    private ContentStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _store = ContentStore.Open(_folder.File("store"));
        _queue = await JobLedger.OpenAsync(
            DatabaseAddress.Parse(_folder.File("jobs.db")),
            new LeaseOptions { Backoff = TimeSpan.Zero, Length = TimeSpan.FromSeconds(10) }
        );
        await _queue.BindStoreAsync(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_poison_photo_is_quarantined_with_its_reason_and_the_others_go_on()
    {
        Job poison = await SubmitAsync("poison.png");
        Job damaged = await SubmitAsync("damaged.png");
        Job good = await SubmitAsync("a/b/good:one.png");
        using (Worker worker = NewWorker())
            Assert.Equal(5, await worker.RunUntilEmptyAsync(TestContext.Current.CancellationToken));
        poison = (await _queue.FindAsync(poison.Id))!;
        Assert.Equal((JobState.Quarantined, 3), (poison.State, poison.Attempts));
        Assert.Contains("signal 9", poison.Reason, StringComparison.Ordinal);
        Assert.Contains("terminate called", poison.Reason, StringComparison.Ordinal);
        damaged = (await _queue.FindAsync(damaged.Id))!;
        Assert.Equal((JobState.Failed, "this is no photo"), (damaged.State, damaged.Reason));
        good = (await _queue.FindAsync(good.Id))!;
        Assert.Equal(JobState.Done, good.State);
        JobFile result = good.Outcome!.Result!;
        Assert.Equal("good_one.x4.png", result.Name);
        Assert.Equal("pixels", await File.ReadAllTextAsync(_store.PathOf(result.Hash)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_store.Folder, "work")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_store.Folder, "incoming")));
    }

    [Fact]
    public async Task A_restoration_that_hangs_is_ended()
    {
        Job hang = await SubmitAsync("hang.png");
        using (Worker worker = NewWorker(o => o with { Stall = TimeSpan.FromSeconds(0.5) }))
            await worker.RunUntilEmptyAsync(TestContext.Current.CancellationToken);
        hang = (await _queue.FindAsync(hang.Id))!;
        Assert.Equal(JobState.Quarantined, hang.State);
        Assert.Contains("no step was made", hang.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_and_pausing_reach_a_running_job_and_its_process_serves_the_next()
    {
        Job first = await SubmitAsync("slow 1.png");
        using Worker worker = NewWorker();
        using var stop = new CancellationTokenSource();
        Task running = worker.RunAsync(stop.Token);
        await UntilAsync(first, j => j.Progress.Step == 1);
        await _queue.CancelAsync(new JobFilter { Id = first.Id });
        await UntilAsync(first, j => j.State == JobState.Cancelled);

        Job second = await SubmitAsync("slow 2.png");
        await UntilAsync(second, j => j.Progress.Step == 1);
        await _queue.PauseAsync(new JobFilter { Id = second.Id }, running: true);
        await UntilAsync(second, j => j.State == JobState.Paused);

        Job third = await SubmitAsync("good.png");
        await UntilAsync(third, j => j.State == JobState.Done);
        await stop.CancelAsync();
        await running;
        Assert.Equal(0, (await _queue.FindAsync(second.Id))!.Attempts);
    }

    [Fact]
    public async Task A_stopped_worker_gives_its_job_back_without_blame()
    {
        Job job = await SubmitAsync("slow.png");
        using Worker worker = NewWorker();
        using var stop = new CancellationTokenSource();
        Task running = worker.RunAsync(stop.Token);
        await UntilAsync(job, j => j.Progress.Step == 1);
        await stop.CancelAsync();
        await running;
        job = (await _queue.FindAsync(job.Id))!;
        Assert.Equal((JobState.Queued, 0, 0), (job.State, job.Attempts, job.Losses));
    }

    [Fact]
    public async Task A_result_is_also_written_where_it_was_asked_for()
    {
        string output = _folder.File("large/deep/good.x4.png");
        Job job = await _queue.SubmitAsync(await NewAsync("good.png") with { OutputPath = output });
        using (Worker worker = NewWorker())
            await worker.RunUntilEmptyAsync(TestContext.Current.CancellationToken);
        Assert.Equal(JobState.Done, (await _queue.FindAsync(job.Id))!.State);
        Assert.Equal("pixels", await File.ReadAllTextAsync(output));
        Assert.Equal([output], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(output)!));
    }

    [Fact]
    public async Task An_input_that_is_gone_says_so()
    {
        Job job = await SubmitAsync("good.png");
        File.Delete(_store.PathOf(job.Request.InputHash!));
        using (Worker worker = NewWorker())
            await worker.RunUntilEmptyAsync(TestContext.Current.CancellationToken);
        job = (await _queue.FindAsync(job.Id))!;
        Assert.Equal(JobState.Failed, job.State);
        Assert.Contains("not in the folder store", job.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_collector_takes_what_no_job_needs_and_leaves_the_rest()
    {
        Job done = await SubmitAsync("good.png");
        using (Worker worker = NewWorker())
            await worker.RunUntilEmptyAsync(TestContext.Current.CancellationToken);
        done = (await _queue.FindAsync(done.Id))!;
        StoredFile orphan = await PutAsync("nobody's");
        Assert.Equal(
            new Collected(0, 0),
            await new FileCollector(_queue, _store, TimeSpan.FromHours(1)).CollectAsync()
        );
        Assert.Equal(
            new Collected(1, orphan.Bytes),
            await new FileCollector(_queue, _store, TimeSpan.Zero).CollectAsync()
        );
        Assert.False(_store.Contains(orphan.Hash));
        Assert.True(_store.Contains(done.Request.InputHash!));
        Assert.True(_store.Contains(done.Outcome!.Result!.Hash));
        await _queue.DeleteAsync(new JobFilter());
        Assert.Equal(2, (await new FileCollector(_queue, _store, TimeSpan.Zero).CollectAsync()).Files);
    }

    [Fact]
    public async Task No_name_leads_out_of_the_store_and_another_store_is_refused()
    {
        foreach (string name in new[] { "../../etc/passwd", "", new string('A', 64), new string('.', 64) })
            Assert.Throws<ArgumentException>(() => _store.PathOf(name));
        Assert.Throws<ArgumentException>(() => _store.StateFolder("../x"));
        Assert.Throws<ArgumentException>(() => _store.PreviewPath(new string('/', 32)));
        await Assert.ThrowsAsync<FileTooLongException>(() =>
            _store.PutAsync(new MemoryStream(new byte[11]), maxBytes: 10)
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_store.Folder, "incoming")));
        JobsException e = await Assert.ThrowsAsync<JobsException>(() =>
            _queue.BindStoreAsync(ContentStore.Open(_folder.File("another")))
        );
        Assert.Contains("another folder", e.Message, StringComparison.Ordinal);
    }

    private Worker NewWorker(Func<WorkerOptions, WorkerOptions>? change = null)
    {
        var options = new WorkerOptions
        {
            Child = new ChildCommand("/bin/bash", ["-c", Script]),
            Poll = TimeSpan.FromMilliseconds(30),
            Report = TimeSpan.FromMilliseconds(50),
        };
        return new Worker(_queue, _store, change?.Invoke(options) ?? options, _news.Add);
    }

    private async Task<Job> SubmitAsync(string name) => await _queue.SubmitAsync(await NewAsync(name));

    private async Task<NewJob> NewAsync(string name) =>
        new()
        {
            Name = name,
            Options = new JobOptions(),
            InputHash = (await PutAsync("input")).Hash,
        };

    private Task<StoredFile> PutAsync(string text) =>
        _store.PutAsync(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)));

    private async Task UntilAsync(Job job, Func<Job, bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (await _queue.FindAsync(job.Id) is { } now && !condition(now))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{now.State} {now.Progress} {now.Reason}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
