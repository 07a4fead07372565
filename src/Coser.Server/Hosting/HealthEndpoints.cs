using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Coser.Server.Hosting;

/// <summary>For those who start and watch servers: the process is alive; jobs can be taken in.</summary>
internal static class HealthEndpoints
{
    public static void Map(WebApplication app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready");
    }
}

/// <summary>The database answers, and the store can be written to.</summary>
internal sealed class ReadyCheck(JobLedger ledger, ContentStore store) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            await ledger.Watch.NowAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
            return store.IsWritable()
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("the folder store cannot be written to");
        }
        catch (Exception e) when (e is JobsException or TimeoutException)
        {
            return HealthCheckResult.Unhealthy("the job database does not answer");
        }
    }
}
