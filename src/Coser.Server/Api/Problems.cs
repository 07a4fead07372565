using System.Globalization;
using Coser.Client.Contract;
using Coser.Jobs.Model;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace Coser.Server.Api;

/// <summary>A request cannot be served: what, why, and what to do about it.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="code">One of <see cref="ProblemCode"/>.</param>
/// <param name="detail">"WHAT: reason. Remedy."</param>
/// <param name="retryAfter">When to try again.</param>
internal sealed class ApiProblem(int status, string code, string detail, TimeSpan? retryAfter = null)
    : Exception(detail)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public TimeSpan? RetryAfter { get; } = retryAfter;

    public static ApiProblem NotFound(string what) =>
        new(
            StatusCodes.Status404NotFound,
            ProblemCode.NotFound,
            $"{what}: there is none, or it is not yours. GET {RouteGroups.Base}/jobs lists what you may see."
        );

    public static ApiProblem BadOption(string name, string reason, string remedy, int status = 400) =>
        new(status, ProblemCode.BadOption, $"{name}: {reason}. {remedy}");

    public static ApiProblem BadRequest(string detail, int status = 400) => new(status, ProblemCode.BadRequest, detail);
}

/// <summary>Problems as answers.</summary>
internal static class Problems
{
    public static async Task WriteAsync(
        HttpContext context,
        int status,
        string code,
        string detail,
        TimeSpan? retryAfter = null
    )
    {
        HttpResponse response = context.Response;
        response.StatusCode = status;
        if (retryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds))
                .ToString(CultureInfo.InvariantCulture);
        response.Headers.CacheControl = "no-store";
        await response.WriteAsJsonAsync(
            new ProblemView
            {
                Type = "urn:coser:problem:" + code,
                Title = ReasonPhrases.GetReasonPhrase(status),
                Status = status,
                Detail = detail,
                Code = code,
            },
            ApiJson.Options,
            ProblemView.MediaType,
            context.RequestAborted
        );
    }

    /// <summary>For answers that routing alone has given: no such address, another method.</summary>
    public static Task ForStatusAsync(StatusCodeContext answer)
    {
        HttpContext context = answer.HttpContext;
        int status = context.Response.StatusCode;
        return status switch
        {
            404 => WriteAsync(
                context,
                status,
                ProblemCode.NotFound,
                "there is nothing at this address. /api explains those that exist."
            ),
            405 => WriteAsync(
                context,
                status,
                ProblemCode.BadRequest,
                $"this address does not know {context.Request.Method}. /api explains what it takes."
            ),
            _ => WriteAsync(
                context,
                status,
                ProblemCode.BadRequest,
                "this request cannot be served. /api explains what can."
            ),
        };
    }
}

/// <summary>Turns exceptions into problems; what we did not expect is logged without its words.</summary>
internal sealed partial class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> log)
{
    private static readonly TimeSpan DatabaseWait = TimeSpan.FromSeconds(5);

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            // Headers of the answer that was being made, of a file for example, are not the problem's.
            context.Response.Headers.Remove("Content-Disposition");
            context.Response.Headers.Remove("ETag");
            context.Response.ContentLength = null;
            ApiProblem problem = Explain(e, context);
            await Problems.WriteAsync(context, problem.Status, problem.Code, problem.Message, problem.RetryAfter);
        }
    }

    private ApiProblem Explain(Exception e, HttpContext context)
    {
        switch (e)
        {
            case ApiProblem known:
                return known;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return new ApiProblem(
                    StatusCodes.Status413PayloadTooLarge,
                    ProblemCode.TooLarge,
                    "the request is larger than this server takes. Send a smaller photo; GET /api/v1/options has the limits."
                );
            case BadHttpRequestException bad:
                return ApiProblem.BadRequest(
                    "the request cannot be read. /api explains what is taken.",
                    bad.StatusCode
                );
            case IdempotencyConflictException:
                return new ApiProblem(
                    StatusCodes.Status409Conflict,
                    ProblemCode.IdempotencyConflict,
                    "Idempotency-Key: this key was used for another request. Choose a new key, or send the same request again."
                );
            case JobsException or IOException or UnauthorizedAccessException:
                LogAway(e.GetType().Name, Pattern(context));
                return new ApiProblem(
                    StatusCodes.Status503ServiceUnavailable,
                    ProblemCode.Unavailable,
                    "the job database or the folder store cannot be used now. Try again in a moment.",
                    DatabaseWait
                );
            default:
                LogUnexpected(e.GetType().Name, context.Request.Method, Pattern(context), Frames(e));
                return new ApiProblem(
                    StatusCodes.Status500InternalServerError,
                    ProblemCode.Internal,
                    "the server has made a mistake. Its log says where; please report it."
                );
        }
    }

    // The pattern of the address, not the address.
    private static string Pattern(HttpContext context) =>
        (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "an unknown address";

    private static string Frames(Exception e) =>
        string.Join(" < ", (e.StackTrace ?? "").Split('\n').Take(6).Select(l => l.Trim()));

    [LoggerMessage(Level = LogLevel.Warning, Message = "database or store could not be used ({Kind}) at {Pattern}")]
    private partial void LogAway(string kind, string pattern);

    [LoggerMessage(Level = LogLevel.Error, Message = "unexpected {Kind} at {Method} {Pattern}: {Frames}")]
    private partial void LogUnexpected(string kind, string method, string pattern, string frames);
}
