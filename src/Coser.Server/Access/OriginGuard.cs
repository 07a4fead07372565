using Coser.Client.Contract;
using Coser.Server.Api;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Access;

/// <summary>
/// Refuses changes that a browser sends on behalf of another site (CSRF). Browsers say where a request comes from; programs
/// do not, and show a key instead.
/// </summary>
internal sealed class OriginGuard(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        bool safe =
            HttpMethods.IsGet(request.Method)
            || HttpMethods.IsHead(request.Method)
            || HttpMethods.IsOptions(request.Method);
        if (safe || KeyHandler.ShowsKey(request) || IsOwn(request))
            return next(context);
        return Problems.WriteAsync(
            context,
            StatusCodes.Status403Forbidden,
            ProblemCode.Forbidden,
            "this request comes from another site. Use the server's own page, or send a key."
        );
    }

    private static bool IsOwn(HttpRequest request)
    {
        string? origin = request.Headers.Origin;
        if (!string.IsNullOrEmpty(origin))
            // The scheme may have been another one before a proxy.
            return Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
                && string.Equals(
                    uri.Authority,
                    Authority(request.Host, uri.Scheme),
                    StringComparison.OrdinalIgnoreCase
                );
        string? site = request.Headers["Sec-Fetch-Site"];
        if (!string.IsNullOrEmpty(site))
            return site is "same-origin" or "none";
        // No browser; one that says neither must not be trusted with its cookie.
        return !request.Cookies.ContainsKey(Sessions.Cookie);
    }

    // Without the port that a URL of this scheme leaves out.
    private static string Authority(HostString host, string scheme) =>
        host.Port is null or 80 && scheme == "http" || host.Port is 443 && scheme == "https"
            ? new Uri($"{scheme}://{host.Host}").Authority
            : host.Value ?? "";
}
