using System.Net;
using System.Net.ServerSentEvents;
using Coser.Client;
using Coser.Client.Contract;
using Coser.Jobs.Model;

namespace Coser.Tests.Server;

/// <summary>Jobs on their way: events, control, pages of the list, a restart in the middle.</summary>
public sealed class WatchTests
{
    [Fact]
    public async Task A_job_is_watched_to_its_end_and_its_files_fetched()
    {
        await using ServerHarness server = await ServerHarness.StartWorkingAsync();
        JobView job = await server.SubmitAsync("a.png");
        Assert.Equal((JobStatus.Queued, 1), (job.State, job.Position));
        List<JobStatus> states = [];
        await foreach (JobView now in server.Client.WatchAsync(job.Id))
            states.Add(now.State);
        Assert.Equal(JobStatus.Done, states[^1]);
        Assert.Equal(states.Order(), states);
        job = await server.Client.GetAsync(job.Id);
        Assert.Equal(["input", "result"], job.Files.Select(f => f.Role));
        Assert.Equal("a.x4.png", job.Files[1].Name);
        Assert.Equal(("sampling", 1.5), (job.Outcome!.Stages[0].Stage, job.Outcome.Stages[0].Seconds));
        string saved = server.File("saved.png");
        await server.Client.DownloadAsync(job.Id, saved);
        Assert.Equal(await File.ReadAllBytesAsync(server.File("made.png")), await File.ReadAllBytesAsync(saved));
        Assert.DoesNotContain(
            Directory.GetFiles(server.File("")),
            f => f.EndsWith(".partial", StringComparison.Ordinal)
        );
        await Assert.ThrowsAsync<CoserApiException>(() => server.Client.DownloadAsync(job.Id, saved, "no-such"));
    }

    [Fact]
    public async Task Cancel_pause_resume_retry_and_delete_do_what_they_say_and_nothing_else()
    {
        await using ServerHarness server = await ServerHarness.StartWorkingAsync();
        CoserClient client = server.Client;
        JobView slow = await server.SubmitAsync("slow.png");
        JobView waiting = await server.SubmitAsync("b.png");
        JobView running = await server.UntilAsync(slow.Id, j => j.Progress.Step == 1);
        Assert.Equal(("sampling", 4, 1), (running.Progress.Stage, running.Progress.Steps, running.Progress.Preview));
        using (HttpResponseMessage preview = await server.Http.GetAsync($"api/v1/jobs/{slow.Id}/preview?n=1"))
            Assert.Equal("image/jpeg", preview.Content.Headers.ContentType!.MediaType);

        Assert.Equal(JobStatus.Paused, (await client.PauseAsync(waiting.Id)).State);
        await client.PauseAsync(waiting.Id); // is it already
        await ServerAssert.RefusedAsync(ProblemCode.Conflict, () => client.RetryAsync(waiting.Id));
        await client.PauseAsync(slow.Id);
        await server.UntilAsync(slow.Id, j => j.State == JobStatus.Paused);
        await client.ResumeAsync(slow.Id);
        await server.UntilAsync(slow.Id, j => j.State == JobStatus.Running);
        await client.CancelAsync(slow.Id);
        JobView cancelled = await server.UntilAsync(slow.Id, j => j.State == JobStatus.Cancelled);
        Assert.Equal(0, cancelled.Attempts);
        await client.ResumeAsync(waiting.Id);
        await server.UntilAsync(waiting.Id, j => j.State == JobStatus.Done);
        await ServerAssert.RefusedAsync(ProblemCode.Conflict, () => client.CancelAsync(waiting.Id));
        await ServerAssert.RefusedAsync(ProblemCode.Conflict, () => client.PauseAsync(waiting.Id));

        JobView damaged = await server.SubmitAsync("damaged.png");
        damaged = await server.UntilAsync(damaged.Id, j => j.State == JobStatus.Failed);
        Assert.Equal("it is damaged", damaged.Reason);
        await client.RetryAsync(damaged.Id);
        await server.UntilAsync(damaged.Id, j => j.State == JobStatus.Failed && j.Revision > damaged.Revision);

        await client.DeleteAsync(slow.Id);
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => client.GetAsync(slow.Id));
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => client.DeleteAsync(slow.Id));
        Assert.False(File.Exists(server.Store.PreviewPath(slow.Id)));
    }

    [Fact]
    public async Task Deleting_an_open_job_cancels_it_first()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        JobView job = await server.SubmitAsync("a.png");
        await server.Client.DeleteAsync(job.Id);
        Assert.Equal(JobStatus.Cancelled, (await server.Client.GetAsync(job.Id)).State);
        await server.Client.DeleteAsync(job.Id);
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => server.Client.GetAsync(job.Id));
    }

    [Fact]
    public async Task All_changes_are_told_and_a_watcher_that_was_away_hears_what_it_missed()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        JobView open = await server.SubmitAsync("open.png");
        JobView ends = await server.SubmitAsync("ends.png");
        string cursor;
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
        {
            List<SseItem<string>> first = await UntilReadyAsync(server, last: null, patience.Token);
            Assert.Equal(["job", "job", "counts", "ready"], first.Select(e => e.EventType));
            Assert.Contains(open.Id, first[0].Data, StringComparison.Ordinal); // in order of submission
            cursor = first[1].EventId!;
        }
        // Both of these happen while nobody watches.
        await server.Client.CancelAsync(ends.Id);
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
        {
            List<SseItem<string>> again = await UntilReadyAsync(server, cursor, patience.Token);
            Assert.Contains(again, e => e.EventType == "job" && e.Data.Contains(ends.Id, StringComparison.Ordinal));
            Assert.Contains(again, e => e.EventType == "job" && e.Data.Contains(open.Id, StringComparison.Ordinal));
            List<SseItem<string>> anew = await UntilReadyAsync(server, "no cursor", patience.Token);
            Assert.DoesNotContain(anew, e => e.Data.Contains(ends.Id, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Jobs_of_other_processes_and_forgotten_ones_are_told_too()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using IAsyncEnumerator<JobChange> news = server
            .Client.WatchAllAsync(patience.Token)
            .GetAsyncEnumerator(patience.Token);
        await NextAsync(news, c => c.Counts is not null);
        Job elsewhere = await server.Ledger.SubmitAsync(
            new NewJob
            {
                Name = "x.png",
                Options = new JobOptions(),
                InputHash = new string('a', 64),
            }
        );
        JobChange heard = await NextAsync(news, c => c.Job is not null);
        Assert.Equal((elsewhere.Id, JobStatus.Queued), (heard.Job!.Id, heard.Job.State));
        await NextAsync(news, c => c.Counts?["queued"] == 1);
        await server.Client.CancelAsync(elsewhere.Id);
        await NextAsync(news, c => c.Job?.State == JobStatus.Cancelled);
        await server.Client.DeleteAsync(elsewhere.Id);
        Assert.Equal(elsewhere.Id, (await NextAsync(news, c => c.Gone is not null)).Gone);
    }

    [Fact]
    public async Task A_restart_keeps_everything_and_gives_the_running_job_back()
    {
        await using ServerHarness server = await ServerHarness.StartWorkingAsync();
        JobView done = await server.SubmitAsync("a.png");
        await server.UntilAsync(done.Id, j => j.State == JobStatus.Done);
        JobView slow = await server.SubmitAsync("slow.png");
        await server.UntilAsync(slow.Id, j => j.Progress.Step == 1);
        Task<JobView> watched = server.UntilAsync(slow.Id, j => j.State == JobStatus.Cancelled);
        await server.RestartAsync();
        JobView after = await server.UntilAsync(slow.Id, j => j.State == JobStatus.Running);
        Assert.Equal(0, after.Attempts);
        JobView kept = await server.Client.GetAsync(done.Id);
        Assert.Equal(JobStatus.Done, kept.State);
        await using Stream file = await server.Client.OpenFileAsync(done.Id);
        using var copy = new MemoryStream();
        await file.CopyToAsync(copy);
        Assert.Equal(await File.ReadAllBytesAsync(server.File("made.png")), copy.ToArray());
        await server.Client.CancelAsync(slow.Id);
        Assert.Equal(slow.Id, (await watched).Id); // its watcher has found the new server
    }

    [Fact]
    public async Task Lists_come_in_pages_by_state_and_name()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        for (int i = 0; i < 7; i++)
            await server.SubmitAsync($"photo{i}.png");
        await server.SubmitAsync("100%_Sure.png");
        List<string> names = [];
        await foreach (JobView job in server.Client.AllAsync(new JobQuery { Limit = 3 }))
            names.Add(job.Name);
        Assert.Equal(["100%_Sure.png", .. Enumerable.Range(0, 7).Select(i => $"photo{6 - i}.png")], names);
        JobPage page = await server.Client.ListAsync(new JobQuery { Limit = 3 });
        Assert.Equal([8, 7, 6], page.Jobs.Select(j => j.Position!.Value));
        await server.Client.CancelAsync(page.Jobs[0].Id);
        page = await server.Client.ListAsync(new JobQuery { States = [JobStatus.Cancelled, JobStatus.Done] });
        Assert.Equal("100%_Sure.png", page.Jobs.Single().Name);
        Assert.Null(page.Next);
        Assert.Equal((7, 1, 0), (page.Counts["queued"], page.Counts["cancelled"], page.Counts["done"]));
        Assert.Equal(7, page.Counts.Count);
        async Task<int> Named(string name) => (await server.Client.ListAsync(new JobQuery { Name = name })).Jobs.Count;
        Assert.Equal(7, await Named("PHOTO"));
        Assert.Equal(1, await Named("%_s"));
        Assert.Equal(0, await Named("o_o"));
        foreach (string query in new[] { "limit=0", "limit=201", "state=odd", "state=1", "limit=x" })
        {
            using HttpResponseMessage answer = await server.Http.GetAsync("api/v1/jobs?" + query);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_job_that_has_not_changed_is_not_sent_again()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        JobView job = await server.SubmitAsync("a.png");
        using HttpResponseMessage first = await server.Http.GetAsync($"api/v1/jobs/{job.Id}");
        async Task<HttpStatusCode> Ask()
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"api/v1/jobs/{job.Id}");
            request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
            using HttpResponseMessage answer = await server.Http.SendAsync(request);
            return answer.StatusCode;
        }
        Assert.Equal(HttpStatusCode.NotModified, await Ask());
        await server.Client.PauseAsync(job.Id);
        Assert.Equal(HttpStatusCode.OK, await Ask());
    }

    private static async Task<List<SseItem<string>>> UntilReadyAsync(
        ServerHarness server,
        string? last,
        CancellationToken cancel
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/v1/events");
        if (last is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        using HttpResponseMessage answer = await server.Http.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            cancel
        );
        List<SseItem<string>> items = [];
        await foreach (
            SseItem<string> item in SseParser
                .Create(await answer.Content.ReadAsStreamAsync(cancel))
                .EnumerateAsync(cancel)
        )
        {
            items.Add(item);
            if (item.EventType == "ready")
                break;
        }
        return items;
    }

    private static async Task<JobChange> NextAsync(IAsyncEnumerator<JobChange> news, Func<JobChange, bool> wanted)
    {
        do Assert.True(await news.MoveNextAsync());
        while (!wanted(news.Current));
        return news.Current;
    }
}
