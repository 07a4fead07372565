using System.Globalization;
using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Training.Runs;

/// <summary>Where a checkpoint stands.</summary>
public sealed record CheckpointState
{
    /// <summary>Stage that wrote it.</summary>
    public required string Stage { get; init; }

    /// <summary>Steps done, skipped ones included: the index of the next batch.</summary>
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
}

/// <summary>
/// A run on disk: <c>recipe.json</c>, <c>metrics.jsonl</c>, <c>samples/</c>, <c>checkpoint-STEP/</c>. Every file is written
/// beside its name and renamed, so a run that is killed leaves only whole checkpoints.
/// </summary>
public sealed class RunFolder
{
    private const string StateName = "state.json";
    private const string Prefix = "checkpoint-";

    /// <summary>Opens or creates the folder.</summary>
    public RunFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(Path);
        Directory.CreateDirectory(System.IO.Path.Combine(Path, "samples"));
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

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

    /// <summary>Writes a whole checkpoint, then drops the oldest ones.</summary>
    /// <param name="write">Writes the tensors into the folder it is given.</param>
    public void SaveCheckpoint(CheckpointState state, Action<string> write, int keep)
    {
        string name = Prefix + state.Step.ToString("D9", CultureInfo.InvariantCulture);
        string final = System.IO.Path.Combine(Path, name);
        string temporary = System.IO.Path.Combine(Path, "." + name + ".partial");
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(temporary);
        write(temporary);
        File.WriteAllText(
            System.IO.Path.Combine(temporary, StateName),
            JsonSerializer.Serialize(state, CoserJson.Strict)
        );
        if (Directory.Exists(final))
            Directory.Delete(final, recursive: true);
        Directory.Move(temporary, final);
        foreach (string old in Checkpoints().SkipLast(Math.Max(1, keep)))
            Directory.Delete(old, recursive: true);
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
        File.AppendAllText(System.IO.Path.Combine(Path, "metrics.jsonl"), line + "\n");
    }

    /// <summary>Path of a sample grid.</summary>
    public string SamplePath(long step) =>
        System.IO.Path.Combine(Path, "samples", step.ToString("D9", CultureInfo.InvariantCulture) + ".png");
}
