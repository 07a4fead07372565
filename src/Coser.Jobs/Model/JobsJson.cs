using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coser.Jobs.Model;

/// <summary>How options and outcomes are written in tables and between processes.</summary>
public static class JobsJson
{
    /// <summary>camelCase, enums by name, nothing for null, ASCII alone: pipes between processes may have any encoding.</summary>
    public static JsonSerializerOptions Options { get; } =
        new(JsonSerializerDefaults.Web)
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        };

    /// <summary>One line.</summary>
    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    /// <exception cref="JsonException">It is not such a value.</exception>
    public static T Read<T>(string text) =>
        JsonSerializer.Deserialize<T>(text, Options) ?? throw new JsonException("null is not a value here");
}
