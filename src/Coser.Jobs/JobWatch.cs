using System.Globalization;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;

namespace Coser.Jobs;

/// <summary>
/// What those ask who show jobs to people: what is open, what has changed, what comes next. All of it in bounded memory, and by
/// indexes, so that a million jobs of a batch cost a page nothing.
/// </summary>
public sealed class JobWatch
{
    private readonly Database _database;

    internal JobWatch(Database database) => _database = database;

    /// <summary>
    /// Jobs that have changed since a moment, oldest change first. Changes that are made at once may become visible in another
    /// order: ask again from a few seconds before the last one, and tell by <see cref="Job.Revision"/> what is known.
    /// </summary>
    /// <param name="since">As <see cref="Job.Changed"/>; changes of this very millisecond are included.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="owner">Of this owner; null: of everybody.</param>
    public async Task<IReadOnlyList<Job>> ChangedAsync(
        long since,
        int limit,
        string? owner = null,
        CancellationToken cancel = default
    ) =>
        await SelectAsync(
            $"changed >= @since{Of(owner)} ORDER BY changed LIMIT {Text(limit)}",
            cancel,
            ("since", since),
            ("owner", owner)
        );

    /// <summary>Jobs that are still to end, the newest first.</summary>
    public async Task<IReadOnlyList<Job>> OpenAsync(
        int limit,
        string? owner = null,
        CancellationToken cancel = default
    ) => await SelectAsync($"{Rows.IsOpen}{Of(owner)} ORDER BY seq DESC LIMIT {Text(limit)}", cancel, ("owner", owner));

    /// <summary>How many jobs that belong to no batch are still to end.</summary>
    public async Task<long> CountOpenSinglesAsync(CancellationToken cancel = default) =>
        (
            await _database.QueryAsync(
                $"SELECT COUNT(*) FROM coser_jobs WHERE batch IS NULL AND {Rows.IsOpen}",
                r => r.GetInt64(0),
                cancel
            )
        ).Single();

    /// <summary>Names of the jobs that are next, in the order workers will take them.</summary>
    public async Task<IReadOnlyList<string>> NextAsync(int limit, CancellationToken cancel = default) =>
        await _database.QueryAsync(
            $"SELECT id FROM coser_jobs WHERE state = 'queued' ORDER BY priority DESC, seq LIMIT {Text(limit)}",
            r => r.GetString(0),
            cancel
        );

    /// <summary>The database's present, as <see cref="Job.Changed"/>.</summary>
    public async Task<long> NowAsync(CancellationToken cancel = default) =>
        (await _database.QueryAsync("SELECT @now", r => r.GetInt64(0), cancel)).Single();

    private Task<List<Job>> SelectAsync(string rest, CancellationToken cancel, params (string, object?)[] values) =>
        _database.QueryAsync(
            $"SELECT {Rows.JobColumns} FROM coser_jobs WHERE {rest}",
            Rows.Job,
            cancel,
            [.. values.Where(v => v.Item2 is not null)]
        );

    private static string Of(string? owner) => owner is null ? "" : " AND owner = @owner";

    private static string Text(int limit) => limit.ToString(CultureInfo.InvariantCulture);
}
