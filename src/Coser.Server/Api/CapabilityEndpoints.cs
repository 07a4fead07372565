using Coser.Client.Contract;
using Coser.Jobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Api;

/// <summary>What the server can do, and who does it.</summary>
internal static class CapabilityEndpoints
{
    private const string Tag = "Server";

    public static void Map(RouteGroups routes)
    {
        routes
            .Look.MapGet("/options", (ModelCatalog catalog) => catalog.Capabilities())
            .Describe(Tag, "getOptions", "Options, their ranges and defaults, models, limits");
        routes
            .Look.MapGet("/models", (ModelCatalog catalog) => catalog.Models())
            .Describe(
                Tag,
                "getModels",
                "Models in full",
                "Hash, networks, licence and provenance. The hash reads every file of a model once."
            );
        routes
            .Look.MapGet("/workers", WorkersAsync)
            .Describe(
                Tag,
                "getWorkers",
                "Workers that are there",
                "Of this process and of all machines on the same database."
            );
    }

    private static async Task<IReadOnlyList<WorkerView>> WorkersAsync(JobLedger ledger, HttpContext context) =>
        [
            .. (await ledger.Workers.ListAsync(context.RequestAborted)).Select(w => new WorkerView
            {
                Name = w.Name,
                Device = w.Device,
                Queues = w.Queues,
                Models = w.Models,
                Version = w.Version,
                Job = w.Job,
                Started = w.Started,
                Seen = w.Seen,
            }),
        ];
}
