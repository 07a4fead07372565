using System.Net.Sockets;
using Coser.Jobs.Model;
using Coser.Server.Access;
using Coser.Server.Hosting;
using Coser.Server.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coser.Server;

/// <summary>The web page, the HTTP API and, unless it is told otherwise, a worker, in this process.</summary>
public sealed class CoserServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private CoserServer(WebApplication app)
    {
        _app = app;
        Addresses =
        [
            .. app
                .Services.GetRequiredService<IServer>()
                .Features.GetRequiredFeature<IServerAddressesFeature>()
                .Addresses.Select(a => new Uri(a)),
        ];
    }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<Uri> Addresses { get; }

    /// <summary>Starts a server.</summary>
    /// <exception cref="JobsException">
    /// It would be open to others without keys, the port is taken or not allowed, or a file of its own cannot be used.
    /// </exception>
    public static async Task<CoserServer> StartAsync(ServerOptions options, CancellationToken cancel = default)
    {
        var keys = KeyRing.Open(options.KeysFile);
        if (options.IsPublic && !keys.HasKeys)
            throw new JobsException(
                options.Listen!.ToString(),
                "this address can be reached by others, and there are no keys to keep them out",
                "Make one with 'coser serve keys add NAME --role admin', or listen on this machine alone (without --listen)."
            );
        WebApplication app = ServerApplication.Build(options, keys);
        try
        {
            app.Services.GetRequiredService<AllowedRoot>(); // whose folder must be there
            await app.StartAsync(cancel);
            return new CoserServer(app);
        }
        catch (Exception e)
        {
            await app.DisposeAsync();
            if (Explain(e, options) is { } known)
                throw known;
            throw;
        }
    }

    /// <summary>Runs a server until it is told to stop; the job in hand is then put away and given back.</summary>
    /// <param name="options">How it is set up.</param>
    /// <param name="started">Called when it listens.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="JobsException">It cannot start.</exception>
    public static async Task RunAsync(ServerOptions options, Action<CoserServer> started, CancellationToken stop)
    {
        await using CoserServer server = await StartAsync(options, stop);
        started(server);
        try
        {
            await Task.Delay(Timeout.Infinite, stop);
        }
        catch (OperationCanceledException) { }
        await server.StopAsync();
    }

    /// <summary>Stops gently: streams are ended, answers finished, the job in hand given back.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static JobsException? Explain(Exception e, ServerOptions options)
    {
        SocketError? error = e switch
        {
            SocketException s => s.SocketErrorCode,
            { InnerException: SocketException s } => s.SocketErrorCode,
            { InnerException.InnerException: SocketException s } => s.SocketErrorCode,
            _ => null,
        };
        string what = $"port {options.Port}";
        if (error == SocketError.AddressAlreadyInUse || e is IOException { Message: var m } && IsInUse(m))
            return new JobsException(
                what,
                "another program listens there",
                "End that program, or choose another port with --port.",
                e
            );
        return error switch
        {
            SocketError.AccessDenied => new JobsException(
                what,
                "this user may not listen there",
                "Choose a port from 1024 on with --port.",
                e
            ),
            SocketError.AddressNotAvailable => new JobsException(
                options.Listen?.ToString() ?? "localhost",
                "this machine does not have that address",
                "Choose one of its own with --listen, or 0.0.0.0 for all.",
                e
            ),
            _ => null,
        };
    }

    private static bool IsInUse(string message) =>
        message.Contains("address already in use", StringComparison.OrdinalIgnoreCase);
}
