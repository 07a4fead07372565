using System.Diagnostics.Metrics;
using Coser.Jobs;
using Coser.Jobs.Model;

namespace Coser.Server.Hosting;

/// <summary>What the server measures. Names are part of the API: docs/server.md lists them.</summary>
internal sealed class ServerMetrics : IDisposable
{
    public const string MeterName = "Coser.Server";
    public const string StageSeconds = "coser.stage.duration";
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly JobLedger _ledger;
    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _ended;
    private readonly Counter<long> _uploaded;
    private readonly Histogram<double> _stages;
    private readonly SemaphoreSlim _one = new(1, 1);
    private volatile JobCounts _counts = new(new Dictionary<JobState, long>());
    private volatile int _workers;
    private long _refreshed;
    private long _peak;

    public ServerMetrics(JobLedger ledger)
    {
        _ledger = ledger;
        _ended = _meter.CreateCounter<long>("coser.jobs.ended", "{job}", "Jobs that ended since the start, by state.");
        _uploaded = _meter.CreateCounter<long>("coser.upload.size", "By", "Bytes of photos taken in.");
        _stages = _meter.CreateHistogram<double>(StageSeconds, "s", "Seconds a stage of a restoration took.");
        _meter.CreateObservableGauge("coser.jobs", Depths, "{job}", "Jobs in the tables, by state.");
        _meter.CreateObservableGauge("coser.workers", () => _workers, "{worker}", "Workers heard of lately.");
        _meter.CreateObservableGauge(
            "coser.restoration.memory.peak",
            () => Interlocked.Read(ref _peak),
            "By",
            "Largest resident memory of the restoring process at the last job that was done."
        );
    }

    /// <summary>A job has ended.</summary>
    public void Ended(Job job)
    {
        _ended.Add(1, new KeyValuePair<string, object?>("state", Name(job.State)));
        if (job.State != JobState.Done || job.Outcome is not { } outcome)
            return;
        Interlocked.Exchange(ref _peak, outcome.PeakMemory);
        foreach (StageSeconds stage in outcome.Stages)
            _stages.Record(stage.Seconds, new KeyValuePair<string, object?>("stage", stage.Stage));
    }

    /// <summary>A photo was taken in.</summary>
    public void Uploaded(long bytes) => _uploaded.Add(bytes);

    /// <summary>Counts anew, unless that was done a moment ago. A database that is away leaves the old figures.</summary>
    public async Task RefreshAsync(CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (_refreshed != 0 && TimeProvider.System.GetElapsedTime(_refreshed) < Fresh)
                return;
            _counts = await _ledger.CountAsync(new JobFilter(), cancel);
            _workers = (await _ledger.Workers.ListAsync(cancel)).Count;
            _refreshed = TimeProvider.System.GetTimestamp();
        }
        catch (JobsException) { }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _meter.Dispose();
        _one.Dispose();
    }

    private IEnumerable<Measurement<long>> Depths()
    {
        JobCounts counts = _counts;
        return Enum.GetValues<JobState>()
            .Select(s => new Measurement<long>(counts[s], new KeyValuePair<string, object?>("state", Name(s))));
    }

    private static string Name(JobState state) => state.ToString().ToLowerInvariant();
}
