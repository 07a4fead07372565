using Coser.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Coser.Server.Hosting;

/// <summary>Metrics by OpenTelemetry, shown at /metrics in Prometheus' text format.</summary>
internal static class MetricsSetup
{
    private const string Path = "/metrics";

    public static void Add(IServiceCollection services) =>
        services
            .AddOpenTelemetry()
            .WithMetrics(m =>
                m.AddMeter(ServerMetrics.MeterName)
                    .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
                    .AddView(
                        ServerMetrics.StageSeconds,
                        new ExplicitBucketHistogramConfiguration
                        {
                            Boundaries = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000],
                        }
                    )
                    .AddPrometheusExporter()
            );

    public static void Map(WebApplication app)
    {
        // Queue depths are counted when somebody asks.
        app.UseWhen(
            c => c.Request.Path == Path,
            b =>
                b.Use(
                    async (context, next) =>
                    {
                        await context
                            .RequestServices.GetRequiredService<ServerMetrics>()
                            .RefreshAsync(context.RequestAborted);
                        await next();
                    }
                )
        );
        app.MapPrometheusScrapingEndpoint(Path).RequireAuthorization(AccessSetup.Look);
    }
}
