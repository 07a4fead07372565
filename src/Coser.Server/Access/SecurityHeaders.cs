using Coser.Server.Hosting;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Access;

/// <summary>Tells browsers to keep the page to itself: nothing from elsewhere, nothing to elsewhere, no frames.</summary>
internal sealed class SecurityHeaders(RequestDelegate next)
{
    private const string Page =
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
        + "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    // Pages of libraries, which write scripts and styles into their HTML. They still load nothing from elsewhere.
    private const string Library =
        "default-src 'self'; img-src 'self' blob: data:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
        + "script-src 'self' 'unsafe-inline'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        + "frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        PathString path = context.Request.Path;
        bool library =
            path.StartsWithSegments(DashboardSetup.Path, StringComparison.Ordinal)
            || (
                path.StartsWithSegments(Api.OpenApiSetup.Reference, StringComparison.Ordinal)
                && !path.StartsWithSegments(Api.RouteGroups.Base, StringComparison.Ordinal)
            );
        headers.ContentSecurityPolicy = library ? Library : Page;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        return next(context);
    }
}
