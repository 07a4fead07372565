using Coser.Client.Contract;
using Coser.Jobs.Model;
using Coser.Server.Access;
using Coser.Server.Feed;
using Coser.Server.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Api;

/// <summary>Handing in photos.</summary>
internal static class SubmitEndpoint
{
    public const string Name = "submitJob";
    private const string KeyHeader = "Idempotency-Key";

    public static void Map(RouteGroups routes) =>
        routes
            .Work.MapPost("/jobs", SubmitAsync)
            .Describe(
                "Jobs",
                Name,
                "Hands in a photo",
                "As a form: `photo` (a file), or `from` (a job whose photo is restored once more); `reference` (a file, the user's "
                    + "own reference photo); `options` (JSON). Or as JSON: `path` (below the server's allowed folder) or `from`, and "
                    + "`options`. With the header `Idempotency-Key` the same request is one job however often it is sent: 201 the "
                    + "first time, 200 later."
            )
            .Produces<JobView>(StatusCodes.Status201Created)
            .Produces<JobView>()
            .WithProblems(400, 404, 409, 413, 415, 422, 503);

    private static async Task<IResult> SubmitAsync(
        HttpContext context,
        UploadReader uploads,
        Submissions submissions,
        JobFeed feed,
        JobViews views
    )
    {
        Caller caller = context.Caller();
        HttpRequest request = context.Request;
        CancellationToken cancel = context.RequestAborted;
        string? key = request.Headers.TryGetValue(KeyHeader, out var given) ? given.ToString() : null;
        await submissions.PrepareAsync(caller, key, cancel);
        JobForm form = request.HasFormContentType
            ? await uploads.ReadAsync(request, cancel)
            : await FromJsonAsync(await RequestJson.ReadAsync<JobRequest>(request, cancel), uploads, cancel);
        (Job job, bool isNew) = await submissions.HandInAsync(caller, form, key, cancel);
        feed.Nudge();
        JobView view = await views.OfAsync(job, caller.Owner is null, cancel);
        return isNew ? Results.Created($"{RouteGroups.Base}/jobs/{job.Id}", view) : Results.Ok(view);
    }

    private static async Task<JobForm> FromJsonAsync(JobRequest asked, UploadReader uploads, CancellationToken cancel)
    {
        JobSettings settings = asked.Options ?? new JobSettings();
        return asked switch
        {
            { Path: { } path, From: null } => await uploads.ReadPathAsync(path, settings, cancel),
            { Path: null, From: { } from } => new JobForm { From = from, Settings = settings },
            _ => throw ApiProblem.BadRequest("the body must name a 'path' or a job as 'from', and not both."),
        };
    }
}
