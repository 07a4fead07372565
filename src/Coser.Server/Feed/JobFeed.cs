using System.Threading.Channels;
using Coser.Jobs;
using Coser.Jobs.Model;
using Coser.Server.Hosting;
using Microsoft.Extensions.Hosting;

namespace Coser.Server.Feed;

/// <summary>News for watchers: a job that has changed, or one that is forgotten.</summary>
internal sealed record JobNews(Job? Job, string? Gone, string Owner);

/// <summary>
/// Watches the tables once for all connections. Whoever changes them, this process, another one or a worker elsewhere, it is
/// seen within a quarter of a second while somebody watches.
/// </summary>
internal sealed class JobFeed(JobLedger ledger, ServerMetrics metrics) : BackgroundService
{
    private const int ChangesALook = 500;

    // Changes that are made at once may become visible in another order; by this, none is missed.
    private const long Overlap = 2000;
    private static readonly TimeSpan Watched = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Unwatched = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private readonly HashSet<Subscription> _subscriptions = [];
    private readonly SemaphoreSlim _nudge = new(0, 1);
    private readonly Dictionary<string, (long Revision, long Changed)> _known = new(StringComparer.Ordinal);
    private long _from;
    private long _begun;

    /// <summary>Begins to watch. To be disposed.</summary>
    /// <param name="owner">Jobs of this owner; null: of everybody.</param>
    /// <param name="job">This job alone; null: all.</param>
    public Subscription Subscribe(string? owner, string? job = null)
    {
        var subscription = new Subscription(this, owner, job);
        lock (_gate)
            _subscriptions.Add(subscription);
        Nudge();
        return subscription;
    }

    /// <summary>Has it look at once.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            if (_nudge.CurrentCount == 0)
                _nudge.Release();
        }
    }

    /// <summary>Tells watchers that a job is forgotten.</summary>
    public void Gone(Job job) => Tell(new JobNews(null, job.Id, job.Request.Owner), job.Id);

    public override void Dispose()
    {
        base.Dispose();
        _nudge.Dispose();
    }

    internal void Remove(Subscription subscription)
    {
        lock (_gate)
            _subscriptions.Remove(subscription);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan wait = IsWatched ? Watched : Unwatched;
            try
            {
                if (_begun == 0)
                    _begun = _from = await ledger.Watch.NowAsync(stoppingToken);
                while (await LookAsync(stoppingToken)) { }
            }
            catch (JobsException)
            {
                wait = AfterTrouble; // requests say so, too
            }
            await _nudge.WaitAsync(wait, stoppingToken);
        }
    }

    private bool IsWatched
    {
        get
        {
            lock (_gate)
                return _subscriptions.Count > 0;
        }
    }

    // True when there may be more.
    private async Task<bool> LookAsync(CancellationToken cancel)
    {
        IReadOnlyList<Job> changed = await ledger.Watch.ChangedAsync(_from - Overlap, ChangesALook, cancel: cancel);
        bool anyNew = false;
        foreach (Job job in changed)
        {
            if (_known.TryGetValue(job.Id, out var known) && known.Revision >= job.Revision)
                continue;
            anyNew = true;
            _known[job.Id] = (job.Revision, job.Changed);
            Tell(new JobNews(job, null, job.Request.Owner), job.Id);
            if (job.State.IsFinal() && job.Changed >= _begun)
                metrics.Ended(job);
        }
        if (changed.Count == 0)
            return false;
        bool full = changed.Count == ChangesALook;
        // A look that is full of what is known already would come again and again: step over it.
        _from = Math.Max(_from, changed[^1].Changed + (full && !anyNew ? Overlap + 1 : 0));
        foreach (string id in _known.Where(k => k.Value.Changed < _from - 2 * Overlap).Select(k => k.Key).ToArray())
            _known.Remove(id);
        return full;
    }

    private void Tell(JobNews news, string id)
    {
        lock (_gate)
        {
            foreach (Subscription subscription in _subscriptions)
                subscription.Offer(news, id);
        }
    }
}

/// <summary>A watcher's news. One who does not keep up is cut off, and comes again from where it was.</summary>
internal sealed class Subscription(JobFeed feed, string? owner, string? job) : IDisposable
{
    private const int Backlog = 2000;
    private readonly Channel<JobNews> _news = Channel.CreateBounded<JobNews>(Backlog);

    /// <summary>Ends when the watcher has fallen behind.</summary>
    public ChannelReader<JobNews> News => _news.Reader;

    public void Offer(JobNews news, string id)
    {
        bool mine = (owner is null || owner == news.Owner) && (job is null || job == id);
        if (mine && !_news.Writer.TryWrite(news))
            _news.Writer.TryComplete();
    }

    public void Dispose() => feed.Remove(this);
}
