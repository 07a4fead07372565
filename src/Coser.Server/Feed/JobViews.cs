using Coser.Client.Contract;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Server.Api;

namespace Coser.Server.Feed;

/// <summary>Jobs as callers see them.</summary>
internal sealed class JobViews(JobLedger ledger, ContentStore store, TimeProvider? clock = null) : IDisposable
{
    // Beyond that, a place in the queue says nothing to anybody.
    private const int RankedJobs = 2000;
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(300);
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly SemaphoreSlim _one = new(1, 1);
    private Dictionary<string, int> _positions = [];
    private long _ranked;

    public async Task<JobView> OfAsync(Job job, bool withOwner, CancellationToken cancel) =>
        (await OfAsync([job], withOwner, cancel))[0];

    public async Task<IReadOnlyList<JobView>> OfAsync(IReadOnlyList<Job> jobs, bool withOwner, CancellationToken cancel)
    {
        string[] queued = [.. jobs.Where(j => j.State == JobState.Queued).Select(j => j.Id)];
        Dictionary<string, int> positions = queued.Length > 0 ? await PositionsAsync(queued, cancel) : [];
        return [.. jobs.Select(j => Of(j, withOwner, positions))];
    }

    /// <summary>Counts by state, all states named.</summary>
    public static IReadOnlyDictionary<string, long> Of(JobCounts counts) =>
        Enum.GetValues<JobState>().ToDictionary(s => s.ToString().ToLowerInvariant(), s => counts[s]);

    /// <summary>The last part of a name: what it may be saved as.</summary>
    public static string FileName(string name) => name.Split('/', '\\')[^1];

    public void Dispose() => _one.Dispose();

    private JobView Of(Job job, bool withOwner, Dictionary<string, int> positions) =>
        new()
        {
            Id = job.Id,
            Sequence = job.Sequence,
            Name = job.Request.Name,
            Owner = withOwner ? job.Request.Owner : null,
            Batch = job.Batch,
            State = Names.To<JobStatus>(job.State),
            Revision = job.Revision,
            Created = job.Created,
            Started = job.Started,
            Finished = job.Finished,
            Options = SettingsMap.Of(job.Request.Options),
            From = job.Request.Origin,
            Root = job.Request.Root ?? job.Id,
            Position = positions.TryGetValue(job.Id, out int position) ? position : null,
            Progress = new ProgressView
            {
                Stage = job.Progress.Stage,
                Step = job.Progress.Step,
                Steps = job.Progress.Steps,
                SecondsLeft = job.Progress.SecondsLeft,
                Preview = job.Progress.Preview,
            },
            Attempts = job.Attempts,
            Reason = job.Reason,
            Width = job.Request.Width ?? job.Outcome?.InputWidth,
            Height = job.Request.Height ?? job.Outcome?.InputHeight,
            Outcome = job.Outcome is { } outcome ? Of(outcome) : null,
            Files = [.. Files(job)],
        };

    private IEnumerable<FileView> Files(Job job)
    {
        if (job.Request.InputHash is { } input)
            yield return Of(job, FileView.InputRole, FileName(job.Request.Name), job.Request.Bytes ?? Length(input));
        foreach (JobFile file in job.Outcome?.Files ?? [])
            yield return Of(job, file.Role, file.Name, file.Bytes);
    }

    private static FileView Of(Job job, string role, string name, long bytes)
    {
        string url = $"{RouteGroups.Base}/jobs/{job.Id}/files/{Uri.EscapeDataString(role)}";
        return new FileView(role, name, bytes, url, url + "/view");
    }

    private long Length(string hash) => new FileInfo(store.PathOf(hash)) is { Exists: true } file ? file.Length : 0;

    private static OutcomeView Of(JobOutcome outcome) =>
        new()
        {
            InputWidth = outcome.InputWidth,
            InputHeight = outcome.InputHeight,
            Width = outcome.Width,
            Height = outcome.Height,
            Scale = outcome.Scale,
            Stages = [.. outcome.Stages.Select(s => new StageView(s.Stage, s.Seconds))],
            Notes = outcome.Notes,
            Seconds = outcome.Seconds,
            Device = outcome.Device,
            Precision = outcome.Precision,
            PeakMemory = outcome.PeakMemory,
        };

    // Asked once for many: of the last moment, unless there are jobs by now that were not there then.
    private async Task<Dictionary<string, int>> PositionsAsync(string[] queued, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            bool all = _positions.Count >= RankedJobs || queued.All(_positions.ContainsKey);
            if (all && _ranked != 0 && _clock.GetElapsedTime(_ranked) < Fresh)
                return _positions;
            IReadOnlyList<string> next = await ledger.Watch.NextAsync(RankedJobs, cancel);
            _positions = next.Index().ToDictionary(n => n.Item, n => n.Index + 1);
            _ranked = _clock.GetTimestamp();
            return _positions;
        }
        finally
        {
            _one.Release();
        }
    }
}
