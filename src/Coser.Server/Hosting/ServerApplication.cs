using System.Net;
using Coser.Client.Contract;
using Coser.Jobs.Dispatch;
using Coser.Jobs.Model;
using Coser.Server.Access;
using Coser.Server.Api;
using Coser.Server.Feed;
using Coser.Server.Pictures;
using Coser.Server.Uploads;
using Hangfire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coser.Server.Hosting;

/// <summary>Puts the parts of the server together. Nothing is taken from environment variables or settings files.</summary>
internal static class ServerApplication
{
    // A worker has 20 s to put a job away, and needs a moment for the tables.
    private static readonly TimeSpan Shutdown = TimeSpan.FromSeconds(40);

    public static WebApplication Build(ServerOptions options, KeyRing keys)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions
            {
                ApplicationName = typeof(ServerApplication).Assembly.GetName().Name,
                ContentRootPath = AppContext.BaseDirectory,
                EnvironmentName = Environments.Production,
            }
        );
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, options));
        builder.Logging.AddProvider(new LineLogs(options.Log ?? ((_, _) => { })));
        LineLogs.Filter(builder.Logging);
        JobStorage? dispatching = OpenDispatch(options);
        AddServices(builder.Services, options, keys, dispatching);
        WebApplication app = builder.Build();
        Arrange(app, options, dispatching);
        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, ServerOptions options)
    {
        kestrel.AddServerHeader = false;
        // A photo, a reference, and what is between them.
        kestrel.Limits.MaxRequestBodySize = 2 * options.MaxUpload + (1 << 20);
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 << 10;
        kestrel.Limits.MaxConcurrentConnections = 1000;
        if (options.Listen is { } address)
            kestrel.Listen(address, options.Port);
        else if (options.Port == 0)
            kestrel.Listen(IPAddress.Loopback, 0);
        else
            kestrel.ListenLocalhost(options.Port);
    }

    private static void AddServices(
        IServiceCollection services,
        ServerOptions options,
        KeyRing keys,
        JobStorage? dispatching
    )
    {
        services.Configure<HostOptions>(o => o.ShutdownTimeout = Shutdown);
        services.AddSingleton<IHostLifetime, NoLifetime>();
        services.AddSingleton(options);
        services.AddSingleton(options.Ledger);
        services.AddSingleton(options.Store);
        services.AddSingleton(keys);
        services.AddSingleton<Sessions>();
        services.AddSingleton<ModelCatalog>();
        services.AddSingleton<JobViews>();
        services.AddSingleton<ViewCache>();
        services.AddSingleton<AllowedRoot>();
        services.AddSingleton<UploadReader>();
        services.AddSingleton<Submissions>();
        services.AddSingleton<ServerMetrics>();
        services.AddSingleton<JobFeed>();
        services.AddHostedService(p => p.GetRequiredService<JobFeed>());
        services.AddHostedService<CleanUpService>();
        if (options.Worker is not null)
            services.AddHostedService(p =>
                ActivatorUtilities.CreateInstance<WorkerService>(p, new Dispatching(dispatching))
            );
        services.AddRouting();
        services.ConfigureHttpJsonOptions(o => ApiJson.Apply(o.SerializerOptions));
        services.AddResponseCompression(o =>
        {
            o.EnableForHttps = false;
            o.MimeTypes =
            [
                .. ResponseCompressionDefaults.MimeTypes,
                ProblemView.MediaType,
                "image/svg+xml",
                "application/manifest+json",
            ];
        });
        AccessSetup.Add(services, options);
        services.AddHealthChecks().AddCheck<ReadyCheck>("ready");
        MetricsSetup.Add(services);
        OpenApiSetup.Add(services);
        if (dispatching is not null)
            DashboardSetup.Add(services, dispatching);
    }

    private static void Arrange(WebApplication app, ServerOptions options, JobStorage? dispatching)
    {
        app.UseMiddleware<ProblemMiddleware>();
        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<HostGuard>();
        app.UseResponseCompression();
        PageFiles.Use(app, options.PageFolder);
        app.UseRouting();
        app.UseAuthentication();
        app.UseMiddleware<OriginGuard>();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.UseStatusCodePages(Problems.ForStatusAsync);

        RouteGroups routes = new(app);
        SessionEndpoints.Map(routes);
        CapabilityEndpoints.Map(routes);
        JobEndpoints.Map(routes);
        SubmitEndpoint.Map(routes);
        FileEndpoints.Map(routes);
        EventEndpoints.Map(routes);
        HealthEndpoints.Map(app);
        MetricsSetup.Map(app);
        OpenApiSetup.Map(app);
        if (dispatching is not null)
            DashboardSetup.Map(app, dispatching);
        PageFiles.MapMissing(app, options.PageFolder);
    }

    // Shards of batches are a convenience, and so is their dashboard.
    private static JobStorage? OpenDispatch(ServerOptions options)
    {
        try
        {
            return HangfireDispatch.OpenStorage(options.Database);
        }
        catch (JobsException e)
        {
            options.Log?.Invoke(LogLevel.Warning, $"shards are not dispatched: {e.Reason}. {e.Remedy}");
            return null;
        }
    }

    // Signals are the program's business.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>Hangfire's storage, or that there is none.</summary>
internal sealed record Dispatching(JobStorage? Storage);
