using System.Net;
using Coser.Client.Contract;
using Coser.Server.Api;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Access;

/// <summary>
/// Refuses requests for names that are not this server's: a page of somebody else's, whose name suddenly leads here (DNS
/// rebinding), would have its browser send them. Addresses in digits cannot be turned around like that.
/// </summary>
internal sealed class HostGuard(RequestDelegate next, ServerOptions options)
{
    private readonly HashSet<string> _known = new(
        options.Hosts.Append("localhost").Append(Environment.MachineName),
        StringComparer.OrdinalIgnoreCase
    );

    public Task InvokeAsync(HttpContext context)
    {
        string host = context.Request.Host.Host;
        if (_known.Contains(host) || IPAddress.TryParse(host.Trim('[', ']'), out _))
            return next(context);
        return Problems.WriteAsync(
            context,
            StatusCodes.Status403Forbidden,
            ProblemCode.Forbidden,
            "this server is not known by that name. Call it by its address, or have its owner add the name with --host."
        );
    }
}
