using Coser.Client.Contract;
using Coser.Imaging;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Server.Access;
using Coser.Server.Feed;
using Coser.Server.Pictures;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;

namespace Coser.Server.Api;

/// <summary>Files of jobs, and pictures of them that a browser shows.</summary>
internal static class FileEndpoints
{
    private const string Tag = "Files";
    private const string ForEver = "private, max-age=31536000, immutable";
    private const string Octets = "application/octet-stream";
    private static readonly FileExtensionContentTypeProvider Types = new();

    public static void Map(RouteGroups routes)
    {
        routes
            .Look.MapGet("/jobs/{id}/files/{role}", FileAsync)
            .Describe(
                Tag,
                "getFile",
                "A file as it is",
                "To be saved, unless `inline=1` asks to show it. Ranges are served."
            )
            .Produces(StatusCodes.Status200OK, contentType: Octets)
            .Produces(StatusCodes.Status206PartialContent, contentType: Octets)
            .WithProblems(404);
        routes
            .Look.MapGet("/jobs/{id}/files/{role}/view", ViewAsync)
            .Describe(
                Tag,
                "getView",
                "A picture of a file that every browser shows",
                "sRGB, upright, JPEG or (with transparency) WebP. Its longest side is at most `size`, rounded up to 256, 1024, "
                    + "2048 or 4096; never larger than the file's own."
            )
            .Produces(StatusCodes.Status200OK, contentType: "image/jpeg", additionalContentTypes: "image/webp")
            .WithProblems(400, 404, 422);
        routes
            .Look.MapGet("/jobs/{id}/preview", PreviewAsync)
            .Describe(Tag, "getPreview", "The newest preview of a running job", "`n` only keeps caches apart.")
            .Produces(StatusCodes.Status200OK, contentType: "image/jpeg")
            .WithProblems(404);
    }

    private static async Task<IResult> FileAsync(
        string id,
        string role,
        HttpContext context,
        JobLedger ledger,
        ContentStore store,
        int inline = 0
    )
    {
        Job job = await ledger.VisibleAsync(id, context.Caller(), context.RequestAborted);
        (string hash, string name) = Find(job, role, store);
        if (!Types.TryGetContentType(name, out string? type) || !type.StartsWith("image/", StringComparison.Ordinal))
            type = Octets;
        var disposition = new ContentDispositionHeaderValue(inline != 0 && type != Octets ? "inline" : "attachment");
        disposition.SetHttpFileName(name);
        context.Response.Headers.ContentDisposition = disposition.ToString();
        context.Response.Headers.CacheControl = ForEver;
        return Results.File(
            store.OpenRead(hash),
            type,
            entityTag: new EntityTagHeaderValue($"\"{hash}\""),
            enableRangeProcessing: true
        );
    }

    private static async Task<IResult> ViewAsync(
        string id,
        string role,
        HttpContext context,
        JobLedger ledger,
        ContentStore store,
        ViewCache cache,
        int size = ViewCache.DefaultSize
    )
    {
        Job job = await ledger.VisibleAsync(id, context.Caller(), context.RequestAborted);
        (string hash, string name) = Find(job, role, store);
        if (size < 1)
            throw ApiProblem.BadOption("size", $"it is {size}", "It must be at least 1.");
        try
        {
            string path = await cache.GetAsync(hash, size, context.RequestAborted);
            context.Response.Headers.CacheControl = ForEver;
            return Results.File(
                path,
                Path.GetExtension(path) == ".webp" ? "image/webp" : "image/jpeg",
                entityTag: new EntityTagHeaderValue($"\"{Path.GetFileNameWithoutExtension(path)}\"")
            );
        }
        catch (PhotoException e)
        {
            throw new ApiProblem(
                StatusCodes.Status422UnprocessableEntity,
                ProblemCode.NotAnImage,
                $"{name}: {e.Reason}. {e.Remedy}"
            );
        }
    }

    private static async Task<IResult> PreviewAsync(
        string id,
        HttpContext context,
        JobLedger ledger,
        ContentStore store,
        int n = 0
    )
    {
        _ = n;
        Job job = await ledger.VisibleAsync(id, context.Caller(), context.RequestAborted);
        string path = store.PreviewPath(job.Id);
        if (!File.Exists(path))
            throw ApiProblem.NotFound("the preview");
        context.Response.Headers.CacheControl = "no-store";
        // Read whole: the file is replaced while it is being sent.
        return Results.Bytes(await File.ReadAllBytesAsync(path, context.RequestAborted), "image/jpeg");
    }

    // Photos outside the store, of batches handed in on this machine, are not given out.
    private static (string Hash, string Name) Find(Job job, string role, ContentStore store)
    {
        (string? hash, string? name) =
            role == FileView.InputRole ? (job.Request.InputHash, JobViews.FileName(job.Request.Name))
            : job.Outcome?.Files.FirstOrDefault(f => f.Role == role) is { } file ? (file.Hash, file.Name)
            : (null, null);
        return hash is not null && store.Contains(hash)
            ? (hash, name!)
            : throw ApiProblem.NotFound($"a file '{(role.Length <= 40 ? role : role[..40])}' of this job");
    }
}
