using System.Globalization;
using Coser.Client.Contract;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Server.Access;
using Coser.Server.Feed;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Api;

/// <summary>Looking at jobs, and steering them.</summary>
internal static class JobEndpoints
{
    private const string Tag = "Jobs";
    private const int MostAPage = 200;
    private const int LongestName = 200;

    public static void Map(RouteGroups routes)
    {
        routes
            .Look.MapGet("/jobs", ListAsync)
            .Describe(
                Tag,
                "listJobs",
                "Jobs, the newest first",
                "`state`: names with commas between them; `root`: all runs of one photo; `name`: a part of the name, in whatever "
                    + "case; `limit`: 1 to 200; `before`: `next` of the page before."
            )
            .WithProblems(400);
        routes
            .Look.MapGet("/jobs/{id}", GetAsync)
            .Describe(
                Tag,
                "getJob",
                "A job in full",
                "Its ETag is its revision: `If-None-Match` answers 304 while nothing has changed."
            )
            .Produces<JobView>()
            .Produces(StatusCodes.Status304NotModified)
            .WithProblems(404);
        Steer(
            "cancel",
            "Takes a job back: a waiting one at once, a running one within seconds",
            (l, f, c) => l.CancelAsync(f, c)
        );
        Steer(
            "pause",
            "Holds a job back; a running one keeps what is done",
            (l, f, c) => l.PauseAsync(f, running: true, c)
        );
        Steer("resume", "Lets a paused job go on", (l, f, c) => l.ResumeAsync(f, c));
        Steer("retry", "Tries a failed, quarantined or cancelled job anew", (l, f, c) => l.RetryAsync(f, c));
        routes
            .Work.MapDelete("/jobs/{id}", DeleteAsync)
            .Describe(
                Tag,
                "deleteJob",
                "Cancels an open job, forgets an ended one",
                "Files that no other job needs go with the next cleaning that finds them a day old."
            )
            .Produces(StatusCodes.Status204NoContent)
            .WithProblems(404);

        void Steer(string verb, string summary, Func<JobLedger, JobFilter, CancellationToken, Task<int>> change) =>
            routes
                .Work.MapPost(
                    $"/jobs/{{id}}/{verb}",
                    (string id, HttpContext context, JobLedger ledger, JobFeed feed, JobViews views) =>
                        SteerAsync(verb, change, id, context, ledger, feed, views)
                )
                .Describe(Tag, verb + "Job", summary)
                .Produces<JobView>(StatusCodes.Status202Accepted)
                .WithProblems(404, 409);
    }

    /// <summary>A job the caller may see.</summary>
    /// <exception cref="ApiProblem">There is none; one of somebody else's is none.</exception>
    public static async Task<Job> VisibleAsync(
        this JobLedger ledger,
        string id,
        Caller caller,
        CancellationToken cancel
    ) =>
        await ledger.FindAsync(id, cancel) is { } job && caller.Sees(job)
            ? job
            : throw ApiProblem.NotFound($"job {Shown(id)}");

    private static async Task<JobPage> ListAsync(
        HttpContext context,
        JobLedger ledger,
        JobViews views,
        string? state = null,
        string? root = null,
        string? name = null,
        int limit = 50,
        long? before = null
    )
    {
        Caller caller = context.Caller();
        CancellationToken cancel = context.RequestAborted;
        if (limit is < 1 or > MostAPage)
            throw ApiProblem.BadOption("limit", $"it is {limit}", $"It must be from 1 to {MostAPage}.");
        if (name?.Length > LongestName)
            throw ApiProblem.BadOption("name", $"it has {name.Length} characters", $"{LongestName} are the most.");
        var filter = new JobFilter { Owner = caller.Owner };
        IReadOnlyList<Job> jobs = await ledger.ListAsync(
            filter with
            {
                States = States(state),
                Root = root,
                Name = name,
                Limit = limit,
                Before = before,
            },
            cancel
        );
        return new JobPage
        {
            Jobs = await views.OfAsync(jobs, caller.Owner is null, cancel),
            Next = jobs.Count == limit ? jobs[^1].Sequence : null,
            Counts = JobViews.Of(await ledger.CountAsync(filter, cancel)),
        };
    }

    private static async Task<IResult> GetAsync(string id, HttpContext context, JobLedger ledger, JobViews views)
    {
        Caller caller = context.Caller();
        Job job = await ledger.VisibleAsync(id, caller, context.RequestAborted);
        string tag = $"\"{job.Revision.ToString(CultureInfo.InvariantCulture)}\"";
        context.Response.Headers.ETag = tag;
        context.Response.Headers.CacheControl = "no-cache";
        return context.Request.Headers.IfNoneMatch == tag
            ? Results.StatusCode(StatusCodes.Status304NotModified)
            : Results.Ok(await views.OfAsync(job, caller.Owner is null, context.RequestAborted));
    }

    private static async Task<IResult> SteerAsync(
        string verb,
        Func<JobLedger, JobFilter, CancellationToken, Task<int>> change,
        string id,
        HttpContext context,
        JobLedger ledger,
        JobFeed feed,
        JobViews views
    )
    {
        Caller caller = context.Caller();
        CancellationToken cancel = context.RequestAborted;
        Job before = await ledger.VisibleAsync(id, caller, cancel);
        int changed = await change(ledger, new JobFilter { Id = id }, cancel);
        feed.Nudge();
        Job after = await ledger.VisibleAsync(id, caller, cancel);
        if (changed == 0 && !IsAlready(verb, after.State))
            throw new ApiProblem(
                StatusCodes.Status409Conflict,
                ProblemCode.Conflict,
                $"job {id}: it is {before.State.ToString().ToLowerInvariant()}, which {verb} does not change. "
                    + Remedy(verb)
            );
        return Results.Json(
            await views.OfAsync(after, caller.Owner is null, cancel),
            statusCode: StatusCodes.Status202Accepted
        );
    }

    private static async Task<IResult> DeleteAsync(
        string id,
        HttpContext context,
        JobLedger ledger,
        ContentStore store,
        JobFeed feed
    )
    {
        CancellationToken cancel = context.RequestAborted;
        Job job = await ledger.VisibleAsync(id, context.Caller(), cancel);
        var filter = new JobFilter { Id = id };
        if (await ledger.DeleteAsync(filter, cancel) > 0)
        {
            File.Delete(store.PreviewPath(id));
            feed.Gone(job);
        }
        else
        {
            await ledger.CancelAsync(filter, cancel);
            feed.Nudge();
        }
        return Results.NoContent();
    }

    private static bool IsAlready(string verb, JobState state) =>
        (verb, state)
            is
                ("cancel", JobState.Cancelled)
                or
                ("pause", JobState.Paused)
                or
                ("resume", JobState.Queued or JobState.Running)
                or
                ("retry", JobState.Queued or JobState.Running);

    private static string Remedy(string verb) =>
        verb switch
        {
            "cancel" => "It has ended; DELETE forgets it.",
            "pause" => "Only waiting and running jobs can be paused.",
            "resume" => "Only paused jobs can be resumed; failed ones can be retried.",
            _ =>
                "Only failed, quarantined and cancelled jobs can be retried; POST /jobs with 'from' restores a photo anew.",
        };

    private static JobState[] States(string? names)
    {
        if (string.IsNullOrEmpty(names))
            return [];
        return
        [
            .. names
                .Split(',', StringSplitOptions.TrimEntries)
                .Select(n =>
                    n.All(char.IsAsciiLetter) && Enum.TryParse(n, ignoreCase: true, out JobState state)
                        ? state
                        : throw ApiProblem.BadOption(
                            "state",
                            $"there is no state '{Shown(n)}'",
                            "States are queued, running, paused, done, failed, quarantined and cancelled."
                        )
                ),
        ];
    }

    // What came over the network is not repeated at any length.
    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "…";
}
