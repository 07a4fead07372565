using Coser.Client.Contract;
using Coser.Server.Access;
using Hangfire;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Coser.Server.Hosting;

/// <summary>Hangfire's dashboard over the shards of batches, for callers with a key; read-only but for admins.</summary>
internal static class DashboardSetup
{
    public const string Path = "/dashboard";

    public static void Add(IServiceCollection services, JobStorage storage)
    {
        // What the dashboard looks for. AddHangfire would add a log and an activator of this server's to the whole process, where
        // they outlive it.
        services.AddSingleton(storage);
        services.AddSingleton<IGlobalConfiguration>(GlobalConfiguration.Configuration);
        services.AddSingleton(DashboardRoutes.Routes);
    }

    public static void Map(WebApplication app, JobStorage storage) =>
        app.MapHangfireDashboard(
                Path,
                new DashboardOptions
                {
                    Authorization = [],
                    IsReadOnlyFunc = c => c.GetHttpContext().Caller().Role != RoleName.Admin,
                    AppPath = "/",
                    DashboardTitle = "Shards of batches",
                    DisplayStorageConnectionString = false,
                    DarkModeEnabled = true,
                },
                storage
            )
            .RequireAuthorization(AccessSetup.Look);
}
