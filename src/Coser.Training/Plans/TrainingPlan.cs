using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Coser.Checkpoints;

namespace Coser.Training.Plans;

/// <summary>One step of a plan: a stage to train, or a command that makes what later stages need.</summary>
public sealed record PlanStep
{
    /// <summary>Its own among the plan's; the run's folder is called so.</summary>
    public required string Name { get; init; }

    /// <summary>Stage to train, as in <c>coser train STAGE</c>; null: the step is a command.</summary>
    public string? Stage { get; init; }

    /// <summary>The stage's recipe, a file beside the plan.</summary>
    public string? Recipe { get; init; }

    /// <summary>Component of the model whose weights the stage starts from; null: the stage's own start.</summary>
    public string? Init { get; init; }

    /// <summary>Export the best weights by the recipe's best_metric, not the last.</summary>
    public bool Best { get; init; }

    /// <summary>Folder, in the work folder, of the model that gets the weights; null: the plan's.</summary>
    public string? Into { get; init; }

    /// <summary>
    /// Arguments of a command of <c>coser</c>; {data}, {work}, {model}, {plan} and {device} stand for folders and the device.
    /// </summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>What a command leaves in the work folder, relative to it: its -o or --output.</summary>
    [JsonIgnore]
    public IEnumerable<string> Outputs =>
        (Command ?? [])
            .Zip((Command ?? []).Skip(1))
            .Where(p => p.First is "-o" or "--output" && p.Second.StartsWith(InWork, StringComparison.Ordinal))
            .Select(p => p.Second[InWork.Length..]);

    private const string InWork = "{work}/";
}

/// <summary>
/// The whole training of a model as a list of steps (recipes/coser-mini/plan.json). Each is done once; what was stopped goes
/// on where it was.
/// </summary>
public sealed record TrainingPlan
{
    /// <summary>Folder of the finished model, in the work folder.</summary>
    public required string Model { get; init; }

    /// <summary>A model.json without components, beside the plan, that the model begins with; null: an empty one.</summary>
    public string? Manifest { get; init; }

    /// <summary>What strings of the recipes stand for something in the work folder, and for what.</summary>
    public IReadOnlyDictionary<string, string> Names { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>In order.</summary>
    public required IReadOnlyList<PlanStep> Steps { get; init; }

    /// <summary>Reads a plan and checks that its parts are there.</summary>
    /// <exception cref="InvalidDataException">It is missing or unsound; the message says where.</exception>
    public static TrainingPlan Read(string path)
    {
        TrainingPlan plan;
        try
        {
            plan = JsonSerializer.Deserialize<TrainingPlan>(File.ReadAllText(path), CoserJson.Strict)!;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (PlanStep step in plan.Steps)
        {
            Require(IsName(step.Name) && seen.Add(step.Name), $"step '{step.Name}': names are file names, each once");
            Require(
                step.Stage is null != step.Command is null,
                $"step '{step.Name}' needs either a stage or a command"
            );
            Require(step.Command is not { Count: 0 }, $"step '{step.Name}': the command is empty");
            if (step.Stage is null)
                continue;
            Require(
                TrainingStages.All.Any(s => s.Name == step.Stage),
                $"step '{step.Name}': there is no stage '{step.Stage}'"
            );
            Require(
                step.Recipe is not null && File.Exists(Path.Combine(folder, step.Recipe)),
                $"step '{step.Name}': its recipe '{step.Recipe}' is not in {folder}"
            );
        }
        Require(plan.Steps.Count > 0, "it has no steps");
        Require(
            plan.Manifest is null || File.Exists(Path.Combine(folder, plan.Manifest)),
            $"its manifest '{plan.Manifest}' is not in {folder}"
        );
        return plan;

        void Require(bool condition, string message)
        {
            if (!condition)
                throw new InvalidDataException($"{path}: {message}.");
        }
    }

    /// <summary>A recipe whose strings that are names are paths in the work folder.</summary>
    /// <exception cref="InvalidDataException">The recipe is no JSON.</exception>
    public string Resolve(string recipePath, string work)
    {
        try
        {
            JsonNode recipe = JsonNode.Parse(
                File.ReadAllText(recipePath),
                documentOptions: new JsonDocumentOptions
                {
                    CommentHandling = JsonCommentHandling.Skip,
                    AllowTrailingCommas = true,
                }
            )!;
            return Replaced(recipe, work)!.ToJsonString(CoserJson.Strict) + "\n";
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{recipePath}: {e.Message}", e);
        }
    }

    /// <summary>Tells whether a step is still the one that was done.</summary>
    /// <param name="recipe">Its resolved recipe; null for a command.</param>
    public static string Digest(PlanStep step, string? recipe) =>
        Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(step, CoserJson.Strict) + recipe))
        )[..16];

    private JsonNode? Replaced(JsonNode? node, string work) =>
        node switch
        {
            JsonObject o => new JsonObject(o.Select(p => KeyValuePair.Create(p.Key, Replaced(p.Value, work)))),
            JsonArray a => new JsonArray([.. a.Select(n => Replaced(n, work))]),
            JsonValue v when v.TryGetValue(out string? text) && Names.TryGetValue(text, out string? name) =>
                JsonValue.Create(Path.GetFullPath(name, work)),
            _ => node?.DeepClone(),
        };

    private static bool IsName(string name) =>
        name.Length > 0 && name == Path.GetFileName(name) && name is not ("." or "..");
}
