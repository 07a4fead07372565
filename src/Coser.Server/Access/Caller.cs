using System.Security.Claims;
using Coser.Client.Contract;
using Coser.Jobs.Model;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Access;

/// <summary>Who sends a request.</summary>
/// <param name="Name">The name of the key; "local" on loopback without keys.</param>
internal sealed record Caller(string Name, RoleName Role)
{
    /// <summary>The one caller of a server without keys. It is who <c>coser batch</c> hands in for.</summary>
    public static Caller Local { get; } = new("local", RoleName.Admin);

    /// <summary>Whose jobs it sees; null: everybody's.</summary>
    public string? Owner => Role == RoleName.User ? Name : null;

    /// <summary>Whether it may see a job.</summary>
    public bool Sees(Job job) => Owner is null || job.Request.Owner == Owner;

    public ClaimsPrincipal ToPrincipal(string scheme) =>
        new(
            new ClaimsIdentity([new Claim(ClaimTypes.Name, Name), new Claim(ClaimTypes.Role, Role.ToString())], scheme)
        );
}

internal static class CallerExtensions
{
    /// <summary>The caller of a request that has passed authorization.</summary>
    public static Caller Caller(this HttpContext context) =>
        context.MaybeCaller() ?? throw new InvalidOperationException("this address needs no caller");

    /// <summary>Null: the request is anonymous.</summary>
    public static Caller? MaybeCaller(this HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true, Name: { } name }
        && Enum.TryParse(context.User.FindFirstValue(ClaimTypes.Role), out RoleName role)
            ? new Caller(name, role)
            : null;
}
