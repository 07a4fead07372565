using System.Data.Common;
using System.Globalization;
using Coser.Jobs.Model;

namespace Coser.Jobs.Storage;

/// <summary>From rows to records.</summary>
internal static class Rows
{
    public const string JobColumns =
        "seq, id, batch, shard, name, owner, idempotency_key, priority, queue, options, input_hash, input_path, "
        + "reference_hash, output_path, state, revision, attempts, losses, created, started, finished, worker, stage, "
        + "step, steps, seconds_left, preview, reason, outcome, origin, root, width, height, bytes, changed";

    /// <summary>The condition of an index: to be written in this and no other way.</summary>
    public const string IsOpen = "state IN ('queued', 'running', 'paused')";

    /// <summary>What every change of a job sets: watchers find it by these.</summary>
    public const string Touch = "revision = revision + 1, changed = @now";

    public const string BatchColumns = "id, name, owner, created, complete, paused, entries";

    public static Job Job(DbDataReader row) =>
        new()
        {
            Sequence = row.GetInt64(0),
            Id = row.GetString(1),
            Batch = Text(row, 2),
            Shard = row.GetInt32(3),
            Request = new NewJob
            {
                Name = row.GetString(4),
                Owner = row.GetString(5),
                IdempotencyKey = Text(row, 6),
                Priority = (JobPriority)row.GetInt32(7),
                Queue = row.GetString(8),
                Options = JobsJson.Read<JobOptions>(row.GetString(9)),
                InputHash = Text(row, 10),
                InputPath = Text(row, 11),
                ReferenceHash = Text(row, 12),
                OutputPath = Text(row, 13),
                Origin = Text(row, 29),
                Root = Text(row, 30),
                Width = Number(row, 31),
                Height = Number(row, 32),
                Bytes = row.IsDBNull(33) ? null : row.GetInt64(33),
            },
            Changed = row.GetInt64(34),
            State = State(row.GetString(14)),
            Revision = row.GetInt64(15),
            Attempts = row.GetInt32(16),
            Losses = row.GetInt32(17),
            Created = Time(row.GetInt64(18)),
            Started = row.IsDBNull(19) ? null : Time(row.GetInt64(19)),
            Finished = row.IsDBNull(20) ? null : Time(row.GetInt64(20)),
            Worker = Text(row, 21),
            Progress = new JobProgress(
                row.GetString(22),
                row.GetInt32(23),
                row.GetInt32(24),
                row.IsDBNull(25) ? null : row.GetDouble(25),
                row.GetInt32(26)
            ),
            Reason = Text(row, 27),
            Outcome = Text(row, 28) is { } outcome ? JobsJson.Read<JobOutcome>(outcome) : null,
        };

    public static Batch Batch(DbDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            Name = row.GetString(1),
            Owner = row.GetString(2),
            Created = Time(row.GetInt64(3)),
            IsComplete = row.GetInt32(4) != 0,
            IsPaused = row.GetInt32(5) != 0,
            Entries = row.GetInt64(6),
        };

    public static JobState State(string text) => Enum.Parse<JobState>(text, ignoreCase: true);

    public static string Text(JobState state) => state.ToString().ToLowerInvariant();

    /// <summary>"(@s0, @s1)" and its values.</summary>
    public static (string Sql, (string, object?)[] Values) List(string prefix, IEnumerable<object?> items)
    {
        (string Name, object? Value)[] values =
        [
            .. items.Select((v, i) => (prefix + i.ToString(CultureInfo.InvariantCulture), v)),
        ];
        return ($"({string.Join(", ", values.Select(v => "@" + v.Name))})", values);
    }

    public static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private static int? Number(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt32(column);

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
