using System.Text.Json;
using System.Text.Json.Serialization;
using Coser.Diffusion;
using Coser.Restoration;

namespace Coser.Checkpoints;

/// <summary>The content of <c>model.json</c>.</summary>
public sealed record ModelManifest
{
    /// <summary>Version of this layout; readers refuse what they do not know.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Layout version.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Name of the model, e.g. <c>coser-mini</c>.</summary>
    public required string Name { get; init; }

    /// <summary>One sentence for a list.</summary>
    public string Description { get; init; } = "";

    /// <summary>Licence of the weights, and what the training data's licences add.</summary>
    public string Licence { get; init; } = "";

    /// <summary>Enlargement of the whole model.</summary>
    public int Scale { get; init; } = 4;

    /// <summary>The networks by role: <c>presr</c>, <c>clip</c>, <c>adapter</c>, <c>unet</c>, <c>control</c>,
    /// <c>autoencoder</c>, <c>cfw</c>.</summary>
    public required IReadOnlyDictionary<string, ComponentManifest> Components { get; init; }

    /// <summary>The diffusion process of the UNet; null: SD 2.1's.</summary>
    public DiffusionConfig? Diffusion { get; init; }

    /// <summary>How the model was trained to be used; null: as the reproduction is.</summary>
    public RestorationConfig? Restoration { get; init; }

    /// <summary>How the weights came to be: data, recipe, hours, code version, figures. Free form.</summary>
    public JsonElement? Provenance { get; init; }
}

/// <summary>One network of a model.</summary>
public sealed record ComponentManifest
{
    /// <summary>Which network class, e.g. <c>msrresnet</c> (<see cref="NetworkKind.Name"/>).</summary>
    public required string Kind { get; init; }

    /// <summary>Its weights, a safetensors file in the model's folder.</summary>
    public required string File { get; init; }

    /// <summary>The network's own hyper-parameters, under the reference implementation's names.</summary>
    public JsonElement Config { get; init; }
}

/// <summary>How this project writes and reads its JSON files.</summary>
public static class CoserJson
{
    /// <summary>snake_case names, indented, unknown members refused: a misspelt setting must not be ignored.</summary>
    public static JsonSerializerOptions Strict { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            WriteIndented = true,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            ReadCommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
        };
}
