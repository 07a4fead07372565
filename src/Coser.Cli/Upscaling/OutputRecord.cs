using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Cli.Upscaling;

/// <summary>
/// What a result was made of, kept in its metadata. Equal records stand for equal pixels, so a file whose record equals
/// the one about to be made need not be made again.
/// </summary>
internal sealed record OutputRecord
{
    /// <summary>Raised by hand whenever the same inputs and options would give other pixels than before.</summary>
    public const int CurrentAlgorithm = 1;

    /// <summary>Marks the text as ours, and its layout.</summary>
    [JsonPropertyName("coser")]
    public int Version { get; init; } = 1;

    public int Algorithm { get; init; } = CurrentAlgorithm;

    /// <summary>SHA-256 of the input file.</summary>
    public required string Input { get; init; }

    /// <summary>Hash of the model directory.</summary>
    public required string Model { get; init; }

    public required double Scale { get; init; }
    public required long Seed { get; init; }
    public required int Tile { get; init; }

    // Null where nothing was asked for: the model's own settings are in its hash.
    public string? Preset { get; init; }
    public int? Steps { get; init; }
    public string? Sampler { get; init; }
    public double? Guidance { get; init; }
    public string? Prompt { get; init; }
    public string? Negative { get; init; }
    public string? Reference { get; init; }

    /// <summary>SHA-256 of the user's reference photo.</summary>
    public string? ReferenceFile { get; init; }

    public double? Fidelity { get; init; }
    public string? Color { get; init; }
    public required string Device { get; init; }
    public required string Precision { get; init; }
    public required string Format { get; init; }
    public int? Quality { get; init; }

    /// <summary>The record of a result about to be made.</summary>
    /// <param name="input">SHA-256 of the input file.</param>
    /// <param name="reference">SHA-256 of the user's reference photo.</param>
    public static OutputRecord Of(
        IPhotoRestorer restorer,
        RestoreOptions options,
        string input,
        string? reference,
        PhotoFormat format,
        int? quality
    ) =>
        new()
        {
            Input = input,
            Model = restorer.Model.Hash,
            Scale = options.Scale,
            Seed = options.Seed,
            Tile = options.Tile,
            Preset = Unless(Restoration.Preset.Balanced, options.Preset),
            Steps = options.Steps,
            Sampler = options.Sampler?.ToString(),
            Guidance = options.Guidance,
            Prompt = options.Prompt.Length > 0 ? options.Prompt : null,
            Negative = options.NegativePrompt,
            Reference = Unless(ReferenceSource.Auto, options.Reference),
            ReferenceFile = reference,
            Fidelity = options.Fidelity,
            Color = options.ColourFix?.ToString(),
            Device = restorer.Device,
            Precision = restorer.Precision,
            Format = format.ToString().ToLowerInvariant(),
            Quality = quality,
        };

    public string ToText() => JsonSerializer.Serialize(this, OutputRecordJson.Default.OutputRecord);

    /// <summary>SHA-256 of a file.</summary>
    public static string Hash(string path, CancellationToken cancel)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        for (int read = file.Read(buffer); read > 0; read = file.Read(buffer))
        {
            cancel.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string? Unless<T>(T usual, T value)
        where T : struct, Enum => value.Equals(usual) ? null : value.ToString();

    /// <summary>The record in a text; null when it is not one of ours or of a layout this version does not know.</summary>
    public static OutputRecord? Parse(string? text)
    {
        if (text is null)
            return null;
        try
        {
            return JsonSerializer.Deserialize(text, OutputRecordJson.Default.OutputRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>True for any record of ours, a later layout's included: such a file may be redone without asking.</summary>
    public static bool IsOurs(string? text)
    {
        if (text is null)
            return false;
        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("coser", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(OutputRecord))]
internal sealed partial class OutputRecordJson : JsonSerializerContext;
