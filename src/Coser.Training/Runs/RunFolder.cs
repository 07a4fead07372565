using System.Globalization;
using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Training.Runs;

/// <summary>Where a checkpoint stands.</summary>
public sealed record CheckpointState
{
    /// <summary>Stage that wrote it.</summary>
    public required string Stage { get; init; }

    /// <summary>Steps done, skipped ones included; the samples of the next step follow from it.</summary>
    public long Step { get; init; }

    /// <summary>Updates the optimiser has made.</summary>
    public long Updates { get; init; }

    /// <summary>Updates the adversary's optimiser has made.</summary>
    public long AdversaryUpdates { get; init; }

    /// <summary>Updates of the weight average.</summary>
    public long AverageUpdates { get; init; }

    /// <summary>Steps skipped because a loss or gradient was not finite.</summary>
    public long Skipped { get; init; }

    /// <summary>Seconds of training so far, over all sessions.</summary>
    public double Seconds { get; init; }

    /// <summary>What the next line of metrics.jsonl already holds; null in checkpoints of old versions.</summary>
    public WindowSums? Window { get; init; }
}

/// <summary>The best weights of a run so far.</summary>
public sealed record BestState
{
    /// <summary>Steps done when they were found.</summary>
    public required long Step { get; init; }

    /// <summary>Figure of the validation they are best by.</summary>
    public required string Metric { get; init; }

    /// <summary>Its value.</summary>
    public required double Value { get; init; }
}

/// <summary>
/// A run on disk: <c>recipe.json</c>, <c>inputs.json</c>, <c>metrics.jsonl</c>, <c>curves.png</c>, <c>samples/</c>,
/// <c>tensorboard/</c>, <c>checkpoint-STEP/</c>, <c>best/</c>. Every file is written beside its name and renamed, so a run
/// that is killed leaves only whole checkpoints; what it left half-written goes when the next process opens the folder.
/// </summary>
/// <remarks>One process at a time: <see cref="RunLock"/>.</remarks>
public sealed class RunFolder
{
    /// <summary>Name of the folder with the best weights.</summary>
    public const string BestName = "best";

    private const string StateName = "state.json";
    private const string BestStateName = "best.json";
    private const string Prefix = "checkpoint-";
    private const string Half = ".partial";
    private const string Old = ".old";

    /// <summary>Opens or creates the folder.</summary>
    public RunFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(Path);
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "samples"));
    }

    /// <summary>Removes what a killed process left half-done. For the process that trains.</summary>
    public void Repair()
    {
        // Between the two renames that replace the best weights.
        if (!Directory.Exists(BestPath) && Directory.Exists(Hidden(BestName, Old)))
            Directory.Move(Hidden(BestName, Old), BestPath);
        foreach (string folder in Directory.EnumerateDirectories(Path, ".*").ToArray())
        {
            if (folder.EndsWith(Half, StringComparison.Ordinal) || folder.EndsWith(Old, StringComparison.Ordinal))
                Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Path of metrics.jsonl.</summary>
    public string MetricsPath => System.IO.Path.Combine(Path, RunMetrics.FileName);

    /// <summary>Where the best averaged weights are kept.</summary>
    public string BestPath => System.IO.Path.Combine(Path, BestName);

    /// <summary>Finished checkpoints, oldest first.</summary>
    public IReadOnlyList<string> Checkpoints() => CheckpointsOf(Path);

    /// <summary>Finished checkpoints of a run's folder, oldest first; the folder is only read.</summary>
    public static IReadOnlyList<string> CheckpointsOf(string folder) =>
        [
            .. Directory
                .EnumerateDirectories(folder, Prefix + "*")
                .Where(d => File.Exists(System.IO.Path.Combine(d, StateName)))
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Writes a whole checkpoint, then drops the oldest ones. One that is there already stays.</summary>
    /// <param name="write">Writes the tensors into the folder it is given.</param>
    /// <param name="keep">Checkpoints that stay, at least 1.</param>
    public void SaveCheckpoint(CheckpointState state, Action<string> write, int keep)
    {
        string name = Prefix + state.Step.ToString("D9", CultureInfo.InvariantCulture);
        string final = System.IO.Path.Combine(Path, name);
        if (!File.Exists(System.IO.Path.Combine(final, StateName)))
        {
            string partial = WriteWhole(name, state, write);
            if (Directory.Exists(final))
                Directory.Delete(final, recursive: true);
            Directory.Move(partial, final);
        }
        foreach (string old in Checkpoints().SkipLast(Math.Max(1, keep)))
            Discard(old);
    }

    /// <summary>Replaces the best weights.</summary>
    /// <param name="write">Writes the tensors into the folder it is given.</param>
    public void SaveBest(BestState best, CheckpointState state, Action<string> write)
    {
        string partial = WriteWhole(
            BestName,
            state,
            folder =>
            {
                write(folder);
                File.WriteAllText(
                    System.IO.Path.Combine(folder, BestStateName),
                    JsonSerializer.Serialize(best, CoserJson.Strict)
                );
            }
        );
        if (Directory.Exists(BestPath))
            Directory.Move(BestPath, Hidden(BestName, Old));
        Directory.Move(partial, BestPath);
        if (Directory.Exists(Hidden(BestName, Old)))
            Directory.Delete(Hidden(BestName, Old), recursive: true);
    }

    /// <summary>The best weights of a run so far; null: none are kept. The folder is only read.</summary>
    public static BestState? ReadBest(string runFolder)
    {
        string path = System.IO.Path.Combine(runFolder, BestName, BestStateName);
        return File.Exists(path)
            ? JsonSerializer.Deserialize<BestState>(File.ReadAllText(path), CoserJson.Strict)
            : null;
    }

    /// <summary>State of a checkpoint folder.</summary>
    public static CheckpointState ReadState(string checkpoint)
    {
        using FileStream file = File.OpenRead(System.IO.Path.Combine(checkpoint, StateName));
        return JsonSerializer.Deserialize<CheckpointState>(file, CoserJson.Strict)!;
    }

    /// <summary>Writes a text file atomically.</summary>
    public void WriteText(string name, string text)
    {
        string path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path + ".tmp", text);
        File.Move(path + ".tmp", path, overwrite: true);
    }

    /// <summary>Appends one JSON object to metrics.jsonl.</summary>
    public void Log(IEnumerable<KeyValuePair<string, object>> values)
    {
        string line = JsonSerializer.Serialize(new Dictionary<string, object>(values, StringComparer.Ordinal));
        File.AppendAllText(MetricsPath, line + "\n");
    }

    /// <summary>Path of a sample grid.</summary>
    public string SamplePath(long step) =>
        System.IO.Path.Combine(Path, "samples", step.ToString("D9", CultureInfo.InvariantCulture) + ".png");

    private string Hidden(string name, string suffix) => System.IO.Path.Combine(Path, "." + name + suffix);

    // Into a hidden folder, and from there to the disk: a rename must not come before what it names.
    private string WriteWhole(string name, CheckpointState state, Action<string> write)
    {
        string partial = Hidden(name, Half);
        if (Directory.Exists(partial))
            Directory.Delete(partial, recursive: true);
        Directory.CreateDirectory(partial);
        write(partial);
        File.WriteAllText(
            System.IO.Path.Combine(partial, StateName),
            JsonSerializer.Serialize(state, CoserJson.Strict)
        );
        foreach (string file in Directory.EnumerateFiles(partial))
        {
            using FileStream written = new(file, FileMode.Open, FileAccess.ReadWrite);
            written.Flush(flushToDisk: true);
        }
        return partial;
    }

    // Renamed first: half a checkpoint must not look like a whole one.
    private void Discard(string checkpoint)
    {
        string hidden = Hidden(System.IO.Path.GetFileName(checkpoint), Old);
        Directory.Move(checkpoint, hidden);
        Directory.Delete(hidden, recursive: true);
    }
}
