using Coser.Client.Contract;
using Coser.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace Coser.Server.Api;

/// <summary>Who the caller is; signing in and out.</summary>
internal static class SessionEndpoints
{
    private const string Tag = "Session";

    public static void Map(RouteGroups routes)
    {
        routes
            .Open.MapGet("/session", Show)
            .Describe(Tag, "getSession", "Who the caller is", "Never refused: says whether a key is needed at all.");
        routes
            .Open.MapPost("/session", Begin)
            .Describe(
                Tag,
                "signIn",
                "Signs a browser in",
                "Sets a cookie that holds for 14 days, or until the key is removed. Programs send their key with every request instead."
            )
            .Produces(StatusCodes.Status204NoContent)
            .WithProblems(400, 401, 403, 429)
            .RequireRateLimiting(AccessSetup.SignInLimit);
        routes
            .Open.MapDelete("/session", End)
            .Describe(Tag, "signOut", "Signs a browser out")
            .Produces(StatusCodes.Status204NoContent)
            .WithProblems(403);
    }

    private static SessionView Show(HttpContext context, KeyRing keys)
    {
        Caller? caller = context.MaybeCaller();
        return new SessionView
        {
            Required = keys.AreRequired,
            SignedIn = caller is not null,
            Name = caller?.Name,
            Role = caller?.Role,
        };
    }

    private static async Task<IResult> Begin(HttpContext context, KeyRing keys, Sessions sessions)
    {
        SignIn asked = await RequestJson.ReadAsync<SignIn>(context.Request, context.RequestAborted);
        if (string.IsNullOrEmpty(asked.Key) || keys.Find(asked.Key) is not { } key)
            throw new ApiProblem(
                StatusCodes.Status401Unauthorized,
                ProblemCode.Unauthorised,
                "this key is not known. Check that all of it was copied; it begins with 'coser_'."
            );
        sessions.Begin(context, key);
        return Results.NoContent();
    }

    private static IResult End(HttpContext context)
    {
        Sessions.End(context);
        return Results.NoContent();
    }
}
