using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Training.Runs;

/// <summary>All that defines a training; the file a run is reproduced from. Every stage adds its own settings.</summary>
public abstract record TrainingRecipe
{
    /// <summary>Name of the recipe inside a run's folder.</summary>
    public const string FileName = "recipe.json";

    /// <summary>The loop.</summary>
    public TrainingSettings Training { get; init; } = new();

    /// <summary>The recipe as JSON in snake_case.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, GetType(), CoserJson.Strict) + "\n";

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="InvalidDataException">The file is missing or not a sound recipe; the message says where.</exception>
    public static T Read<T>(string path)
        where T : TrainingRecipe
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), CoserJson.Strict)!;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }
}
