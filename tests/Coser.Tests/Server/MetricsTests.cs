using System.Globalization;
using System.Text.RegularExpressions;
using Coser.Client.Contract;

namespace Coser.Tests.Server;

/// <summary>What is measured. Meters are the whole process's: other servers would be heard, too.</summary>
[Collection(ProcessWide.Name)]
public sealed partial class MetricsTests
{
    [Fact]
    public async Task Metrics_are_text_that_counts_jobs_stages_and_requests()
    {
        await using ServerHarness server = await ServerHarness.StartWorkingAsync();
        JobView job = await server.SubmitAsync("a.png");
        await server.UntilAsync(job.Id, j => j.State == JobStatus.Done);
        JobView damaged = await server.SubmitAsync("damaged.png");
        await server.UntilAsync(damaged.Id, j => j.State == JobStatus.Failed);
        await server.Client.PauseAsync((await server.SubmitAsync("slow.png")).Id);
        Dictionary<string, double> metrics = [];
        for (int i = 0; i < 100 && metrics.GetValueOrDefault("coser_jobs{state=\"done\"}") < 1; i++)
        {
            await Task.Delay(100); // counted once in two seconds
            metrics = Parse(await server.Http.GetStringAsync("metrics"));
        }
        Assert.Equal(1, metrics["coser_jobs{state=\"done\"}"]);
        Assert.Equal(1, metrics["coser_jobs{state=\"failed\"}"]);
        Assert.Equal(0, metrics["coser_jobs{state=\"quarantined\"}"]);
        Assert.Equal(1, metrics["coser_jobs_ended_total{state=\"done\"}"]);
        Assert.Equal(1, metrics["coser_jobs_ended_total{state=\"failed\"}"]);
        Assert.Equal(1.5, metrics["coser_stage_duration_seconds_sum{stage=\"sampling\"}"]);
        Assert.Equal(1, metrics["coser_stage_duration_seconds_count{stage=\"sampling\"}"]);
        Assert.Equal(1000, metrics["coser_restoration_memory_peak_bytes"]);
        Assert.Equal(1, metrics["coser_workers"]);
        Assert.True(metrics["coser_upload_size_bytes_total"] > 100);
        Assert.True(metrics["dotnet_process_memory_working_set_bytes"] > 1_000_000);
        Assert.Contains(
            metrics.Keys,
            k =>
                k.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal)
                && k.Contains("/api/v1/jobs", StringComparison.Ordinal)
        );
    }

    private static Dictionary<string, double> Parse(string text)
    {
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#'))
        {
            Match sample = Sample().Match(line);
            Assert.True(sample.Success, line);
            string labels = Scope().Replace(sample.Groups["labels"].Value, "").Trim(',');
            string name = sample.Groups["name"].Value + (labels.Length > 0 ? $"{{{labels}}}" : "");
            values[name] = double.Parse(
                sample.Groups["value"].Value.Replace("Inf", "Infinity", StringComparison.Ordinal),
                CultureInfo.InvariantCulture
            );
        }
        return values;
    }

    [GeneratedRegex(
        @"^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>[-+0-9.eEInfNa]+)( \d+)?$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Sample();

    [GeneratedRegex("otel_scope_name=\"[^\"]*\",?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Scope();
}
