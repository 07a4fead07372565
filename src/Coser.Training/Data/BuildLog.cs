using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coser.Training.Data;

/// <summary>What became of a photo.</summary>
public enum PhotoFate
{
    /// <summary>It is in the data set.</summary>
    Kept,

    /// <summary>It could not be read.</summary>
    Unreadable,

    /// <summary>Its shorter side is too short.</summary>
    Small,

    /// <summary>It is not sharp enough.</summary>
    Blurry,

    /// <summary>It looks like an earlier one.</summary>
    Duplicate,
}

/// <summary>A line of <c>build.jsonl</c>.</summary>
public sealed record BuildLine
{
    /// <summary>Name of the source folder and the path below it.</summary>
    public required string Photo { get; init; }

    /// <summary>What became of it.</summary>
    public required PhotoFate Fate { get; init; }

    /// <summary>Why, in words; null for what was kept.</summary>
    public string? Reason { get; init; }

    /// <summary>Its file below <c>photos/</c>, when it was kept.</summary>
    public string? File { get; init; }

    /// <summary>Its class.</summary>
    public string? Label { get; init; }

    /// <summary>Variance of its Laplacian.</summary>
    public double? Sharpness { get; init; }

    /// <summary>Its difference hash, when it was kept.</summary>
    public ulong? Hash { get; init; }
}

/// <summary>
/// <c>build.jsonl</c> of a data set: the settings, then a line a photo, each flushed when its photo is in place. What a kill
/// cut off is dropped, and the same command goes on.
/// </summary>
internal sealed class BuildLog : IDisposable
{
    public const string FileName = "build.jsonl";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly FileStream _file;
    private readonly List<BuildLine> _lines = [];

    /// <exception cref="InvalidDataException">It was begun with other settings, or is something else.</exception>
    /// <exception cref="IOException">Another process builds there.</exception>
    public BuildLog(string folder, DataSetSettings settings)
    {
        string path = Path.Combine(folder, FileName);
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            string head = JsonSerializer.Serialize(settings, Json);
            var bytes = new byte[_file.Length];
            _file.ReadExactly(bytes);
            int whole = Array.LastIndexOf(bytes, (byte)'\n') + 1;
            string[] lines = Encoding
                .UTF8.GetString(bytes, 0, whole)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length > 0 && lines[0] != head)
                throw new InvalidDataException(
                    $"{path}: begun with other settings ({lines[0]}). Repeat those, or name another folder with -o."
                );
            _lines.AddRange(lines.Skip(1).Select((l, i) => Parse(path, l, i + 2)));
            _file.SetLength(whole);
            _file.Position = whole;
            if (lines.Length == 0)
                Write(head);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The lines so far.</summary>
    public IReadOnlyList<BuildLine> Lines => _lines;

    public void Append(BuildLine line)
    {
        Write(JsonSerializer.Serialize(line, Json));
        _lines.Add(line);
    }

    public void Dispose() => _file.Dispose();

    private void Write(string line)
    {
        _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        _file.Flush();
    }

    private static BuildLine Parse(string path, string line, int number)
    {
        try
        {
            return JsonSerializer.Deserialize<BuildLine>(line, Json)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                $"{path}, line {number}: no line of a build ({e.Message}). Delete the folder and build it again.",
                e
            );
        }
    }
}
