using Coser.Jobs.Work;
using Coser.Tests.Server;

namespace Coser.Tests.Pages;

/// <summary>A server with the page of this checkout.</summary>
internal static class PageServer
{
    /// <summary>The page's files.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Root, "src", "Coser.Server", "wwwroot");

    /// <summary>A worker with networks.</summary>
    public static WorkerOptions RealWorker { get; } =
        new()
        {
            Child = new ChildCommand(
                "dotnet",
                [Path.Combine(AppContext.BaseDirectory, "Coser.Cli.dll"), "worker", "child"]
            ),
            Threads = 1,
        };

    /// <param name="worker">Makes the worker; it gets the harness for its files.</param>
    public static Task<ServerHarness> StartAsync(Func<ServerHarness, WorkerOptions> worker) =>
        ServerHarness.StartAsync((harness, options) => options with { PageFolder = Folder, Worker = worker(harness) });

    /// <summary>One whose worker needs no networks: it stays at photos called "slow", and fails at "damaged" ones.</summary>
    public static Task<ServerHarness> StartQuickAsync() => StartAsync(harness => harness.QuickWorker);
}
