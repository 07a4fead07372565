using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>What a run tells of itself as it goes: metrics.jsonl, sample grids, curves.png, TensorBoard's events.</summary>
internal sealed class RunJournal : IDisposable
{
    private readonly RunFolder _folder;
    private readonly EventFile _events;

    /// <summary>Goes on at a step: what a killed process wrote of later ones is dropped.</summary>
    public RunJournal(RunFolder folder, long step)
    {
        _folder = folder;
        RunMetrics.DropAfter(folder.MetricsPath, step);
        _events = new EventFile(Path.Combine(folder.Path, "tensorboard"), step);
    }

    /// <summary>Adds a line, and a validation's picture.</summary>
    /// <param name="values">Numbers by name; those that are not finite are left out, JSON has none.</param>
    /// <param name="validation">What was found at this step; null: nothing was looked for.</param>
    public void Add(long step, IReadOnlyDictionary<string, double> values, ValidationResult? validation)
    {
        var line = new Dictionary<string, object>(StringComparer.Ordinal) { ["step"] = step };
        Dictionary<string, double> finite = new(values, StringComparer.Ordinal);
        foreach ((string name, double value) in validation?.Metrics ?? new Dictionary<string, double>())
            finite[RunMetrics.ValidationPrefix + name] = value;
        foreach (string name in finite.Keys.Where(k => !double.IsFinite(finite[k])).ToArray())
            finite.Remove(name);
        foreach ((string name, double value) in finite)
            line[name] = value;
        if (validation?.Grid is not null)
            Picture(step, validation.Grid);
        _folder.Log(line);
        _events.Scalars(step, finite.Select(v => KeyValuePair.Create(Tag(v.Key), v.Value)));
        if (validation is not null)
            DrawCurves();
    }

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();

    private void Picture(long step, Tensor grid)
    {
        string path = _folder.SamplePath(step);
        SampleGrid.Save(grid, path);
        _events.Picture(step, "samples", (int)grid.shape[2], (int)grid.shape[1], File.ReadAllBytes(path));
    }

    // A machine on which Skia does not load can still train.
    private void DrawCurves()
    {
        try
        {
            RunCurves.Draw(_folder.MetricsPath, Path.Combine(_folder.Path, "curves.png"));
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException)
        {
            _folder.WriteText(
                "curves.txt",
                $"curves.png could not be drawn: {(e.InnerException ?? e).Message}\nThe figures are in {RunMetrics.FileName}.\n"
            );
        }
    }

    // TensorBoard makes a group of what stands before the slash.
    private static string Tag(string name)
    {
        if (name.StartsWith(RunMetrics.ValidationPrefix, StringComparison.Ordinal))
            return "validation/" + name[RunMetrics.ValidationPrefix.Length..];
        return name.StartsWith("loss", StringComparison.Ordinal) ? "loss/" + name : "training/" + name;
    }
}
