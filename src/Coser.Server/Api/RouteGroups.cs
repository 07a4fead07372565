using Coser.Client.Contract;
using Coser.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Coser.Server.Api;

/// <summary>The addresses of the API, in groups by what a caller must be allowed.</summary>
internal sealed class RouteGroups(IEndpointRouteBuilder app)
{
    public const string Base = "/api/v1";

    /// <summary>For everybody.</summary>
    public RouteGroupBuilder Open { get; } = app.MapGroup(Base);

    /// <summary>For any role.</summary>
    public RouteGroupBuilder Look { get; } =
        app.MapGroup(Base).RequireAuthorization(AccessSetup.Look).WithProblems(401, 429);

    /// <summary>For those who hand in and steer jobs.</summary>
    public RouteGroupBuilder Work { get; } =
        app.MapGroup(Base).RequireAuthorization(AccessSetup.Work).WithProblems(401, 403, 429);
}

internal static class RouteExtensions
{
    /// <summary>Says in the document which problems an address may answer with.</summary>
    public static TBuilder WithProblems<TBuilder>(this TBuilder builder, params int[] statuses)
        where TBuilder : IEndpointConventionBuilder
    {
        foreach (int status in statuses)
            builder.WithMetadata(
                new ProducesResponseTypeMetadata(status, typeof(ProblemView), [ProblemView.MediaType])
            );
        return builder;
    }

    /// <summary>Name, one line, and what else is to be said.</summary>
    public static RouteHandlerBuilder Describe(
        this RouteHandlerBuilder builder,
        string tag,
        string name,
        string summary,
        string description = ""
    )
    {
        builder.WithTags(tag).WithName(name).WithSummary(summary);
        return description.Length > 0 ? builder.WithDescription(description) : builder;
    }
}
