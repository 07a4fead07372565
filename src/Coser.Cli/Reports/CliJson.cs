using System.Text.Encodings.Web;
using System.Text.Json;

namespace Coser.Cli.Reports;

/// <summary>JSON as the command prints it: camelCase, paths readable.</summary>
internal static class CliJson
{
    private static readonly JsonSerializerOptions OneLine = new(JsonSerializerDefaults.Web)
    {
        // Written to a stream, never into HTML; file names in other scripts stay legible.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
    private static readonly JsonSerializerOptions Many = new(OneLine) { WriteIndented = true };

    public static string Line<T>(T value) => JsonSerializer.Serialize(value, OneLine);

    public static string Document<T>(T value) => JsonSerializer.Serialize(value, Many);
}
