using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Coser.Evaluation;

/// <summary>Figures of one method on one image: one line of <c>results.jsonl</c>.</summary>
/// <param name="Identity">What of the method the image depends on (<see cref="IRestorationMethod.Identity"/>).</param>
/// <param name="Values">By metric key; a metric that could not judge this image is not there.</param>
/// <param name="Conventions">By metric key: how it was computed, so that a figure of another convention is measured again.</param>
/// <param name="Seconds">Time of the restoration alone.</param>
/// <param name="PeakMegabytes">Highest resident memory during the restoration; 0: unknown.</param>
/// <param name="Photos">Hashes of the files that were restored and compared with: a replaced photo is restored anew.</param>
/// <param name="Notes">By metric key: what it found, in words.</param>
public sealed record EvaluationRow(
    string Method,
    string Identity,
    string Image,
    IReadOnlyDictionary<string, double> Values,
    IReadOnlyDictionary<string, string> Conventions,
    double Seconds,
    double PeakMegabytes,
    string? Photos = null,
    IReadOnlyDictionary<string, IReadOnlyList<string>>? Notes = null
);

/// <summary>
/// The rows of a run, a JSON line each, written through to the disk. A line that a killed program left half written is cut
/// off on opening; a row that comes again replaces the earlier one.
/// </summary>
public sealed class EvaluationLog : IDisposable
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly FileStream _file;
    private readonly Dictionary<(string Method, string Image), EvaluationRow> _rows = [];

    private EvaluationLog(FileStream file) => _file = file;

    /// <summary>Opens or begins a log.</summary>
    /// <param name="protocol">What all rows have in common; the first line.</param>
    /// <exception cref="InvalidDataException">The file belongs to another protocol, or is none of these logs.</exception>
    public static EvaluationLog Open(string path, string protocol)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var log = new EvaluationLog(file);
            log.Read(path, protocol);
            return log;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The row of a method and an image; null: none yet.</summary>
    public EvaluationRow? Find(string method, string image) => _rows.GetValueOrDefault((method, image));

    /// <summary>Adds a row and waits until it is on the disk.</summary>
    public void Add(EvaluationRow row)
    {
        Append(JsonSerializer.Serialize(row, Options));
        _rows[(row.Method, row.Image)] = row;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Append(string line)
    {
        _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        _file.Flush(flushToDisk: true);
    }

    private void Read(string path, string protocol)
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        int whole = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        _file.SetLength(whole);
        _file.Position = whole;
        string[] lines = Encoding.UTF8.GetString(bytes, 0, whole).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0)
        {
            Append(JsonSerializer.Serialize(new Header(protocol), Options));
            return;
        }
        try
        {
            Header? header = JsonSerializer.Deserialize<Header>(lines[0], Options);
            if (header?.Protocol != protocol)
                throw new InvalidDataException(
                    $"{path}: it holds figures of another protocol ({header?.Protocol}). Take another folder, or remove it."
                );
            foreach (string line in lines.Skip(1))
            {
                EvaluationRow row = JsonSerializer.Deserialize<EvaluationRow>(line, Options)!;
                _rows[(row.Method, row.Image)] = row;
            }
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: it is no log of coser eval: {e.Message}", e);
        }
    }

    private sealed record Header(string Protocol);
}
