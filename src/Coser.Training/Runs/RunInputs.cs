using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Training.Runs;

/// <summary>What a run was started with beside its recipe: <c>inputs.json</c> in its folder.</summary>
public sealed record RunInputs
{
    private const string FileName = "inputs.json";

    /// <summary>Name of the stage.</summary>
    public required string Stage { get; init; }

    /// <summary>Folder of the data set.</summary>
    public required string Data { get; init; }

    /// <summary>File of weights the run started from; null: the stage's own initialisation.</summary>
    public string? Initial { get; init; }

    /// <summary>Versions of the program that have worked on the run, the first one first.</summary>
    public IReadOnlyList<string> Code { get; init; } = [];

    /// <summary>The same, worked on by a version of the program.</summary>
    public RunInputs By(string version) => Code.Contains(version) ? this : this with { Code = [.. Code, version] };

    /// <summary>Whether a folder has them.</summary>
    public static bool Exists(string runFolder) => File.Exists(Path.Combine(runFolder, FileName));

    /// <summary>Reads the inputs of a run; null when the folder holds none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static RunInputs? Read(string runFolder)
    {
        string path = Path.Combine(runFolder, FileName);
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonSerializer.Deserialize<RunInputs>(File.ReadAllText(path), CoserJson.Strict);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Writes them.</summary>
    public void Write(RunFolder folder) =>
        folder.WriteText(FileName, JsonSerializer.Serialize(this, CoserJson.Strict) + "\n");
}
