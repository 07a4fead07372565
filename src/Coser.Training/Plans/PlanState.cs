using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Training.Plans;

/// <summary>A step that is done.</summary>
/// <param name="Digest">Of <see cref="TrainingPlan.Digest"/>.</param>
/// <param name="Finished">When.</param>
public sealed record DoneStep(string Digest, DateTimeOffset Finished);

/// <summary>Which steps of a plan are done: <c>plan-state.json</c> in the work folder.</summary>
public sealed class PlanState
{
    private readonly string _path;
    private readonly Dictionary<string, DoneStep> _done;

    private PlanState(string path, Dictionary<string, DoneStep> done) => (_path, _done) = (path, done);

    /// <summary>Reads it; empty where there is none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static PlanState Open(string work)
    {
        string path = Path.Combine(work, "plan-state.json");
        if (!File.Exists(path))
            return new PlanState(path, new(StringComparer.Ordinal));
        try
        {
            return new PlanState(
                path,
                new(
                    JsonSerializer.Deserialize<Dictionary<string, DoneStep>>(File.ReadAllText(path), CoserJson.Strict)!,
                    StringComparer.Ordinal
                )
            );
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: {e.Message} Delete it to begin with the first step.", e);
        }
    }

    /// <summary>A step that is done; null: it is not.</summary>
    public DoneStep? Find(string step) => _done.GetValueOrDefault(step);

    /// <summary>Remembers a step; the file is replaced whole.</summary>
    public void Add(string step, DoneStep done)
    {
        _done[step] = done;
        Write();
    }

    /// <summary>Forgets steps.</summary>
    public void Forget(IEnumerable<string> steps)
    {
        foreach (string step in steps)
            _done.Remove(step);
        Write();
    }

    private void Write()
    {
        File.WriteAllText(_path + ".tmp", JsonSerializer.Serialize(_done, CoserJson.Strict) + "\n");
        File.Move(_path + ".tmp", _path, overwrite: true);
    }
}
