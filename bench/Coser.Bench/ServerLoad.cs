using System.Collections.Concurrent;
using System.Diagnostics;
using Coser.Client;
using Coser.Client.Contract;
using NetVips;

namespace Coser.Bench;

/// <summary>
/// How long a running <c>coser serve</c> takes to answer reads while hundreds of photos are handed in and restored:
/// <c>Coser.Bench -- serve http://localhost:5210 [UPLOADS]</c>. Its jobs are cancelled at the end.
/// </summary>
internal static class ServerLoad
{
    private const int Senders = 4;
    private const int Readers = 4;

    // About what a page with its pictures asks for.
    private static readonly TimeSpan BetweenReads = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AfterUploads = TimeSpan.FromSeconds(20);

    public static async Task<int> RunAsync(Uri server, int uploads)
    {
        using var client = new CoserClient(server);
        using var http = new HttpClient { BaseAddress = server };
        var times = new ConcurrentDictionary<string, ConcurrentBag<double>>(StringComparer.Ordinal);
        var jobs = new ConcurrentQueue<JobView>();
        byte[][] photos = [.. Enumerable.Range(0, 50).Select(Photo)];
        using var end = new CancellationTokenSource();
        Task watching = WatchAsync(client, end.Token);
        Task[] reading =
        [
            .. Enumerable.Range(0, Readers).Select(r => ReadAsync(client, http, jobs, times, r, end.Token)),
        ];

        var clock = Stopwatch.StartNew();
        int next = -1;
        await Task.WhenAll(
            Enumerable
                .Range(0, Senders)
                .Select(async _ =>
                {
                    for (int i = Interlocked.Increment(ref next); i < uploads; i = Interlocked.Increment(ref next))
                        await MeasureAsync(
                            times,
                            "POST /jobs",
                            async () =>
                                jobs.Enqueue(
                                    await client.SubmitAsync(new MemoryStream(photos[i % photos.Length]), $"{i}.png")
                                )
                        );
                })
        );
        double seconds = clock.Elapsed.TotalSeconds;
        await Task.Delay(AfterUploads);
        JobPage page = await client.ListAsync(new JobQuery { Limit = 1 });
        await end.CancelAsync();
        await Task.WhenAll([.. reading, watching]);

        Console.WriteLine(
            $"{uploads} uploads in {seconds:0.0} s by {Senders} senders, {Readers} readers and a watcher beside"
        );
        Console.WriteLine(
            "at the end: " + string.Join(", ", page.Counts.Where(c => c.Value > 0).Select(c => $"{c.Value} {c.Key}"))
        );
        Console.WriteLine("| request | count | p50 ms | p95 ms | p99 ms | max ms |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach ((string request, ConcurrentBag<double> measured) in times.OrderBy(t => t.Key, StringComparer.Ordinal))
            Print(request, measured);
        Print(
            "all reads",
            times.Where(t => t.Key.StartsWith("GET", StringComparison.Ordinal)).SelectMany(t => t.Value)
        );
        foreach (JobView job in jobs)
            await client.DeleteAsync(job.Id);
        return 0;
    }

    private static async Task ReadAsync(
        CoserClient client,
        HttpClient http,
        ConcurrentQueue<JobView> jobs,
        ConcurrentDictionary<string, ConcurrentBag<double>> times,
        int seed,
        CancellationToken end
    )
    {
        var random = new Random(seed);
        while (!end.IsCancellationRequested)
        {
            JobView? job = jobs.IsEmpty ? null : jobs.ElementAt(random.Next(jobs.Count));
            switch (random.Next(5))
            {
                case 0:
                    await MeasureAsync(times, "GET /", () => http.GetByteArrayAsync(""));
                    break;
                case 1:
                    await MeasureAsync(times, "GET /api/v1/jobs", () => client.ListAsync());
                    break;
                case 2 when job is not null:
                    await MeasureAsync(times, "GET /api/v1/jobs/{id}", () => client.GetAsync(job.Id));
                    break;
                case 3 when job is not null:
                    await MeasureAsync(
                        times,
                        "GET /api/v1/jobs/{id}/files/input/view",
                        () => http.GetByteArrayAsync(job.Files[0].ViewUrl + "?size=256")
                    );
                    break;
                case 4:
                    await MeasureAsync(times, "GET /api/v1/options", () => client.CapabilitiesAsync());
                    break;
            }
            await Task.Delay(BetweenReads, CancellationToken.None);
        }
    }

    private static async Task WatchAsync(CoserClient client, CancellationToken end)
    {
        try
        {
            await foreach (JobChange _ in client.WatchAllAsync(end)) { }
        }
        catch (OperationCanceledException) { }
    }

    private static async Task MeasureAsync(
        ConcurrentDictionary<string, ConcurrentBag<double>> times,
        string name,
        Func<Task> request
    )
    {
        long start = Stopwatch.GetTimestamp();
        await request();
        times.GetOrAdd(name, _ => []).Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static void Print(string request, IEnumerable<double> measured)
    {
        double[] sorted = [.. measured.Order()];
        if (sorted.Length == 0)
            return;
        string At(double part) => $"{sorted[(int)Math.Min(sorted.Length - 1, part * sorted.Length)]:0.0}";
        Console.WriteLine($"| {request} | {sorted.Length} | {At(0.5)} | {At(0.95)} | {At(0.99)} | {sorted[^1]:0.0} |");
    }

    private static byte[] Photo(int seed)
    {
        using Image noise = Image.Gaussnoise(64, 48, mean: 128, sigma: 40, seed: seed);
        using Image rgb = noise.Bandjoin(noise, noise).Cast(Enums.BandFormat.Uchar);
        return rgb.PngsaveBuffer();
    }
}
