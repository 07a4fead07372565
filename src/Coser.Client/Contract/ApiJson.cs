using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coser.Client.Contract;

/// <summary>How the API writes JSON: camelCase, enums by camelCase names, members that are null left out.</summary>
public static class ApiJson
{
    /// <summary>For reading answers: members of newer servers are passed over.</summary>
    public static JsonSerializerOptions Options { get; } = New(JsonUnmappedMemberHandling.Skip);

    /// <summary>For reading requests: a misspelt option must not be ignored.</summary>
    public static JsonSerializerOptions Strict { get; } = New(JsonUnmappedMemberHandling.Disallow);

    /// <summary>Sets these rules on options that somebody else has made.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = true;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
    }

    private static JsonSerializerOptions New(JsonUnmappedMemberHandling unknown)
    {
        var options = new JsonSerializerOptions { UnmappedMemberHandling = unknown };
        Apply(options);
        return options;
    }
}
