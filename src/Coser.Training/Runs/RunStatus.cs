using System.Text.Json;

namespace Coser.Training.Runs;

/// <summary>Whether somebody trains in a run's folder.</summary>
public enum RunState
{
    /// <summary>A process trains in it.</summary>
    Training,

    /// <summary>No process does, and steps are left.</summary>
    Stopped,

    /// <summary>All steps are done.</summary>
    Finished,
}

/// <summary>A checkpoint of a run.</summary>
/// <param name="Name">Its folder's name.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Bytes">Size of its files.</param>
public sealed record RunCheckpoint(string Name, long Step, long Bytes);

/// <summary>How a run stands, read from its folder; nothing is changed there.</summary>
public sealed record RunStatus
{
    // A beat of another machine that is older than so many beats, or so many steps, was its last.
    private const int MissedBeats = 12;
    private const int MissedSteps = 4;

    /// <summary>Full path of the folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Name of the stage.</summary>
    public required string Stage { get; init; }

    /// <summary>Whether it is going on.</summary>
    public required RunState State { get; init; }

    /// <summary>Steps done: of the process that trains, else of the newest checkpoint.</summary>
    public long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; init; }

    /// <summary>Mean loss of the last line of metrics.jsonl up to <see cref="Step"/>; null: there is none yet.</summary>
    public double? Loss { get; init; }

    /// <summary>Steps a second; null: unknown.</summary>
    public double? StepsPerSecond { get; init; }

    /// <summary>Share of the time spent waiting for data, 0 to 1; null when nobody trains.</summary>
    public double? Waiting { get; init; }

    /// <summary>Memory of the process in bytes; null when nobody trains.</summary>
    public long? Memory { get; init; }

    /// <summary>Seconds of training over all sessions.</summary>
    public double Seconds { get; init; }

    /// <summary>Seconds to the last step at the present speed, validations left out; null when nobody trains.</summary>
    public double? Left { get; init; }

    /// <summary>Steps skipped because a number was not finite.</summary>
    public long Skipped { get; init; }

    /// <summary>Figures of the last validation by name.</summary>
    public IReadOnlyDictionary<string, double> Validation { get; init; } =
        new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>Step of the last validation; null: there was none yet.</summary>
    public long? ValidationStep { get; init; }

    /// <summary>The best weights; null: none are kept.</summary>
    public BestState? Best { get; init; }

    /// <summary>Checkpoints, oldest first.</summary>
    public IReadOnlyList<RunCheckpoint> Checkpoints { get; init; } = [];

    /// <summary>Machine of the last process.</summary>
    public string? Host { get; init; }

    /// <summary>The last process.</summary>
    public int? Process { get; init; }

    /// <summary>When the last process last told how it stands.</summary>
    public DateTimeOffset? Updated { get; init; }

    /// <summary>Versions of the program that have worked on it.</summary>
    public IReadOnlyList<string> Code { get; init; } = [];

    /// <summary>The runs at a path: the folder itself when it is a run, else those of its subfolders that are.</summary>
    /// <exception cref="InvalidDataException">There is no run.</exception>
    public static IReadOnlyList<string> Find(string folder)
    {
        if (IsRun(folder))
            return [folder];
        string[] runs = Directory.Exists(folder)
            ? [.. Directory.EnumerateDirectories(folder).Where(IsRun).Order(StringComparer.Ordinal)]
            : [];
        return runs.Length > 0
            ? runs
            : throw new InvalidDataException(
                $"{folder}: neither a run nor a folder of runs. A run is started with 'coser train'."
            );
    }

    /// <summary>Reads a run.</summary>
    /// <param name="now">Time by which beats of other machines are judged.</param>
    /// <exception cref="InvalidDataException">A file of the run is damaged; the message names it.</exception>
    public static RunStatus Read(string folder, DateTimeOffset now)
    {
        RunInputs inputs = RunInputs.Read(folder) ?? throw new InvalidDataException($"{folder}: it holds no run.");
        long steps = StepsOf(Path.Combine(folder, TrainingRecipe.FileName));
        IReadOnlyList<string> checkpoints = RunFolder.CheckpointsOf(folder);
        CheckpointState? newest = checkpoints is [.., var last] ? RunFolder.ReadState(last) : null;
        Heartbeat? beat = Heartbeat.Read(folder);
        bool alive = RunLock.IsHeld(folder) || IsElsewhere(beat, now);
        long step = alive ? Math.Max(beat?.Step ?? 0, newest?.Step ?? 0) : newest?.Step ?? 0;
        MetricLine[] lines = [.. RunMetrics.Read(Path.Combine(folder, RunMetrics.FileName)).Where(l => l.Step <= step)];
        MetricLine? validated = lines.LastOrDefault(l => Figures(l).Any());
        return new RunStatus
        {
            Folder = Path.GetFullPath(folder),
            Stage = inputs.Stage,
            State =
                alive ? RunState.Training
                : step >= steps ? RunState.Finished
                : RunState.Stopped,
            Step = step,
            Steps = steps,
            Loss = lines.LastOrDefault(l => l.Values.ContainsKey("loss"))?.Values["loss"],
            StepsPerSecond = beat?.StepsPerSecond,
            Waiting = alive ? beat?.Waiting : null,
            Memory = alive ? beat?.Memory : null,
            Seconds = alive ? Math.Max(beat?.Seconds ?? 0, newest?.Seconds ?? 0) : newest?.Seconds ?? 0,
            Left = alive && beat is { StepsPerSecond: > 0 } ? (steps - step) / beat.StepsPerSecond : null,
            Skipped = (long)(lines.LastOrDefault()?.Values.GetValueOrDefault("skipped") ?? newest?.Skipped ?? 0),
            Validation = validated is null
                ? new Dictionary<string, double>(StringComparer.Ordinal)
                : Figures(validated).ToDictionary(f => f.Name, f => f.Value, StringComparer.Ordinal),
            ValidationStep = validated?.Step,
            Best = RunFolder.ReadBest(folder),
            Checkpoints = [.. checkpoints.Select(Checkpoint)],
            Host = beat?.Host,
            Process = beat?.Process,
            Updated = beat?.At,
            Code = inputs.Code,
        };
    }

    private static bool IsRun(string folder) =>
        File.Exists(Path.Combine(folder, TrainingRecipe.FileName)) && RunInputs.Exists(folder);

    // Locks are seen on their own machine; of a shared folder's other machines only the beats are.
    private static bool IsElsewhere(Heartbeat? beat, DateTimeOffset now)
    {
        if (beat is null || beat.Host == Environment.MachineName)
            return false;
        double step = beat.StepsPerSecond > 0 ? 1 / beat.StepsPerSecond : 0;
        return (now - beat.At).TotalSeconds < Math.Max(MissedBeats * Heartbeat.Period, MissedSteps * step);
    }

    private static IEnumerable<(string Name, double Value)> Figures(MetricLine line) =>
        line
            .Values.Where(v => v.Key.StartsWith(RunMetrics.ValidationPrefix, StringComparison.Ordinal))
            .Select(v => (v.Key[RunMetrics.ValidationPrefix.Length..], v.Value));

    private static RunCheckpoint Checkpoint(string folder) =>
        new(
            Path.GetFileName(folder),
            RunFolder.ReadState(folder).Step,
            new DirectoryInfo(folder).EnumerateFiles().Sum(f => f.Length)
        );

    private static long StepsOf(string recipe)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(recipe));
            return document.RootElement.GetProperty("training").GetProperty("steps").GetInt64();
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{recipe}: it is no recipe ({e.Message}).", e);
        }
    }
}
