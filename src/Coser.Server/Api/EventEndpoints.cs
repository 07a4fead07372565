using System.Globalization;
using System.Text.Json;
using Coser.Client.Contract;
using Coser.Jobs;
using Coser.Jobs.Model;
using Coser.Server.Access;
using Coser.Server.Feed;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;

namespace Coser.Server.Api;

/// <summary>Server-sent events.</summary>
internal static class EventEndpoints
{
    private const string Tag = "Events";

    public static void Map(RouteGroups routes)
    {
        routes
            .Look.MapGet("/events", AllAsync)
            .Describe(
                Tag,
                "watchJobs",
                "News of all jobs the caller may see",
                "A stream of events: `job` with the job as it is now, on every change; `gone` with the id of a forgotten one; "
                    + "`counts` with the number of jobs by state. At first all open jobs (the newest 1,000), counts, and `ready`. "
                    + "`Last-Event-ID` brings what has happened since. A comment comes at least every 15 seconds."
            )
            .Produces<JobView>(StatusCodes.Status200OK, "text/event-stream");
        routes
            .Look.MapGet("/jobs/{id}/events", OneAsync)
            .Describe(
                Tag,
                "watchJob",
                "News of one job",
                "`job` events as in `watchJobs`; the stream ends after the job's final state, or when it is forgotten (`gone`)."
            )
            .Produces<JobView>(StatusCodes.Status200OK, "text/event-stream")
            .WithProblems(404);
    }

    private static Task AllAsync(HttpContext context, JobStreams streams) => streams.AllAsync(context);

    private static Task OneAsync(string id, HttpContext context, JobStreams streams) => streams.OneAsync(context, id);
}

/// <summary>Writes streams of events, each of them from the one feed.</summary>
internal sealed class JobStreams(JobLedger ledger, JobFeed feed, JobViews views, IHostApplicationLifetime lifetime)
{
    private const int OpenJobs = 1000;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BetweenCounts = TimeSpan.FromSeconds(1);

    public async Task AllAsync(HttpContext context)
    {
        Caller caller = context.Caller();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            lifetime.ApplicationStopping
        );
        CancellationToken end = either.Token;
        using Subscription subscription = feed.Subscribe(caller.Owner);
        IReadOnlyList<Job> open = await ledger.Watch.OpenAsync(OpenJobs, caller.Owner, end);
        IReadOnlyList<Job> missed = Cursor(context.Request) is { } since
            ? await ledger.Watch.ChangedAsync(since, OpenJobs, caller.Owner, end)
            : [];
        var writer = new EventWriter(context.Response, caller.Owner is null, views);
        await writer.BeginAsync(end);
        // Ended ones that were missed, then what is open; the same job twice does no harm.
        foreach (Job job in missed.Where(j => j.State.IsFinal()).Concat(open.Reverse()))
            await writer.JobAsync(job, end);
        await writer.CountsAsync(await CountAsync(caller, end), end);
        if (open.Count < OpenJobs)
            await writer.ReadyAsync(end);
        await writer.FlushAsync(end);
        await FollowAsync(subscription, writer, () => CountAsync(caller, end), _ => false, end);
    }

    public async Task OneAsync(HttpContext context, string id)
    {
        Caller caller = context.Caller();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            lifetime.ApplicationStopping
        );
        CancellationToken end = either.Token;
        using Subscription subscription = feed.Subscribe(caller.Owner, id);
        Job job = await ledger.VisibleAsync(id, caller, end);
        var writer = new EventWriter(context.Response, caller.Owner is null, views);
        await writer.BeginAsync(end);
        await writer.JobAsync(job, end);
        await writer.FlushAsync(end);
        if (!job.State.IsFinal())
            await FollowAsync(subscription, writer, null, n => n.Gone is not null || n.Job!.State.IsFinal(), end);
    }

    private static async Task FollowAsync(
        Subscription subscription,
        EventWriter writer,
        Func<Task<JobCounts>>? count,
        Func<JobNews, bool> isLast,
        CancellationToken end
    )
    {
        long counted = TimeProvider.System.GetTimestamp();
        bool owing = false;
        // Kept over heartbeats: every wait that is begun stays with the channel until there is news.
        Task<bool>? next = null;
        try
        {
            while (true)
            {
                next ??= subscription.News.WaitToReadAsync(end).AsTask();
                try
                {
                    if (!await next.WaitAsync(owing ? BetweenCounts : Heartbeat, end))
                        return;
                    next = null;
                }
                catch (TimeoutException)
                {
                    await writer.BeatAsync(end);
                }
                while (subscription.News.TryRead(out JobNews? news))
                {
                    await (news.Job is { } job ? writer.JobAsync(job, end) : writer.GoneAsync(news.Gone!, end));
                    owing = count is not null;
                    if (!isLast(news))
                        continue;
                    await writer.FlushAsync(end);
                    return;
                }
                if (owing && TimeProvider.System.GetElapsedTime(counted) >= BetweenCounts)
                {
                    await writer.CountsAsync(await count!(), end);
                    counted = TimeProvider.System.GetTimestamp();
                    owing = false;
                }
                await writer.FlushAsync(end);
            }
        }
        // The browser has gone, or the server stops; either way the stream is over.
        catch (OperationCanceledException) when (end.IsCancellationRequested) { }
    }

    private Task<JobCounts> CountAsync(Caller caller, CancellationToken cancel) =>
        ledger.CountAsync(new JobFilter { Owner = caller.Owner }, cancel);

    private static long? Cursor(HttpRequest request) =>
        long.TryParse(request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out long at)
            ? at
            : null;
}

/// <summary>One stream of events.</summary>
internal sealed class EventWriter(HttpResponse response, bool withOwner, JobViews views)
{
    // As long as changes may become visible out of order.
    private const long Overlap = 2000;
    private readonly Dictionary<string, long> _sent = new(StringComparer.Ordinal);
    private long _cursor;

    public async Task BeginAsync(CancellationToken cancel)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await response.WriteAsync("retry: 1000\n\n", cancel);
    }

    public async Task JobAsync(Job job, CancellationToken cancel)
    {
        if (_sent.TryGetValue(job.Id, out long revision) && revision >= job.Revision)
            return;
        // Those that have ended come once more only if they change: a stream that runs for weeks forgets them.
        if (job.State.IsFinal())
            _sent.Remove(job.Id);
        else
            _sent[job.Id] = job.Revision;
        _cursor = Math.Max(_cursor, job.Changed - Overlap);
        JobView view = await views.OfAsync(job, withOwner, cancel);
        await WriteAsync("job", view, cancel, $"id: {_cursor.ToString(CultureInfo.InvariantCulture)}\n");
    }

    public Task GoneAsync(string id, CancellationToken cancel)
    {
        _sent.Remove(id);
        return WriteAsync("gone", new { id }, cancel);
    }

    public Task CountsAsync(JobCounts counts, CancellationToken cancel) =>
        WriteAsync("counts", JobViews.Of(counts), cancel);

    public Task ReadyAsync(CancellationToken cancel) => WriteAsync("ready", new { }, cancel);

    public Task BeatAsync(CancellationToken cancel) => response.WriteAsync(": still here\n\n", cancel);

    public Task FlushAsync(CancellationToken cancel) => response.Body.FlushAsync(cancel);

    private Task WriteAsync<T>(string kind, T data, CancellationToken cancel, string id = "") =>
        response.WriteAsync($"{id}event: {kind}\ndata: {JsonSerializer.Serialize(data, ApiJson.Options)}\n\n", cancel);
}
