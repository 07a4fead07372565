using System.Text.Json;
using Coser.Checkpoints;
using Coser.Networks.PreSr;
using Coser.Training.Degradation;
using Coser.Training.Runs;

namespace Coser.Training.PreSr;

/// <summary>All that defines a pre-SR training; the file a run is reproduced from.</summary>
public sealed record PreSrRecipe
{
    /// <summary>Name of the recipe inside a run's folder.</summary>
    public const string FileName = "recipe.json";

    /// <summary>The network.</summary>
    public MsrResNetConfig Network { get; init; } = new();

    /// <summary>The loop.</summary>
    public TrainingSettings Training { get; init; } = new();

    /// <summary>How LR images are made from photos.</summary>
    public DegradationSettings Degradation { get; init; } = new();

    /// <summary>Side of the square cut out of a photo before degradation, in pixels; smaller photos are cut as they allow.</summary>
    public int Patch { get; init; } = 176;

    /// <summary>Photos of the validation split that are restored at each validation, evenly spread.</summary>
    public int ValidationPhotos { get; init; } = 48;

    /// <summary>The recipe as JSON in snake_case.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, CoserJson.Strict) + "\n";

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="InvalidDataException">The file is missing or not a sound recipe; the message says where.</exception>
    public static PreSrRecipe Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<PreSrRecipe>(File.ReadAllText(path), CoserJson.Strict)!;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }
}
