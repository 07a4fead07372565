using System.Text.Encodings.Web;
using Coser.Client.Contract;
using Coser.Server.Api;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coser.Server.Access;

/// <summary>Tells callers by <c>Authorization: Bearer KEY</c>, <c>X-API-Key: KEY</c>, or the cookie of a session.</summary>
internal sealed class KeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    KeyRing keys,
    Sessions sessions
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "key";
    private const string Bearer = "Bearer ";
    private const string KeyHeader = "X-API-Key";

    /// <summary>True when the request shows a key itself, which no other site can make a browser do.</summary>
    public static bool ShowsKey(HttpRequest request) => Shown(request) is not null;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Authenticate());

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer realm=\"coser\"";
        return Problems.WriteAsync(
            Context,
            StatusCodes.Status401Unauthorized,
            ProblemCode.Unauthorised,
            "this server asks for a key. Send 'Authorization: Bearer KEY', or sign in on the page; "
                + "its owner makes keys with 'coser serve keys add'."
        );
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problems.WriteAsync(
            Context,
            StatusCodes.Status403Forbidden,
            ProblemCode.Forbidden,
            "this key's role does not allow that. Ask the server's owner for a key with another role."
        );

    private AuthenticateResult Authenticate()
    {
        if (!keys.AreRequired)
            return Success(Caller.Local);
        ApiKey? key = Shown(Request) is { } shown ? keys.Find(shown) : sessions.Find(Request);
        return key is null ? AuthenticateResult.NoResult() : Success(new Caller(key.Name, key.Role));
    }

    private static AuthenticateResult Success(Caller caller) =>
        AuthenticateResult.Success(new AuthenticationTicket(caller.ToPrincipal(SchemeName), SchemeName));

    private static string? Shown(HttpRequest request)
    {
        string? authorization = request.Headers.Authorization;
        if (authorization?.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) == true)
            return authorization[Bearer.Length..].Trim();
        return request.Headers.TryGetValue(KeyHeader, out var key) ? key.ToString() : null;
    }
}
