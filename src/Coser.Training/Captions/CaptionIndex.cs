using System.Text;
using System.Text.Json;
using Coser.Training.Data;

namespace Coser.Training.Captions;

/// <summary>The captions of one photo: a line of <c>captions.jsonl</c>.</summary>
/// <param name="File">As in the data set's index.</param>
/// <param name="Captions">Empty where a filter left none.</param>
public sealed record PhotoCaptions(string File, IReadOnlyList<string> Captions)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The line, without its end.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads a line.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static PhotoCaptions Parse(string line) =>
        JsonSerializer.Deserialize<PhotoCaptions>(line, Json) ?? throw new JsonException("it is null");
}

/// <summary>The captions of a data set, as <c>coser dataset captions</c> writes them: a JSON object a line.</summary>
public sealed class CaptionIndex
{
    private readonly string _path;
    private readonly Dictionary<string, IReadOnlyList<string>> _captions = new(StringComparer.Ordinal);

    private CaptionIndex(string path) => _path = path;

    /// <summary>Photos with at least one caption.</summary>
    public int Photos => _captions.Count;

    /// <summary>Every caption, in the order of the file.</summary>
    public IEnumerable<string> All => _captions.Values.SelectMany(c => c);

    /// <summary>The captions of a photo; empty: it has none.</summary>
    public IReadOnlyList<string> this[string file] => _captions.GetValueOrDefault(file) ?? [];

    /// <summary>Reads a file of captions. Of two lines for a photo the later counts.</summary>
    /// <exception cref="InvalidDataException">It is missing, damaged (the line is named) or without any caption.</exception>
    public static CaptionIndex Open(string path)
    {
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: there are no captions. Make them with 'coser dataset captions'.");
        var index = new CaptionIndex(path);
        int number = 0;
        foreach (string line in File.ReadLines(path, Encoding.UTF8))
        {
            number++;
            try
            {
                PhotoCaptions photo = PhotoCaptions.Parse(line);
                if (photo.Captions.Count > 0)
                    index._captions[photo.File] = photo.Captions;
                else
                    index._captions.Remove(photo.File);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException(
                    $"{path}, line {number}: no captions of a photo ({e.Message}). A line that was cut off is mended by "
                        + "the same 'coser dataset captions' once more.",
                    e
                );
            }
        }
        return index._captions.Count > 0
            ? index
            : throw new InvalidDataException($"{path}: it holds no caption. Make some with 'coser dataset captions'.");
    }

    /// <summary>The photos of one split that have captions, in the order of the data set's index.</summary>
    /// <exception cref="InvalidDataException">None has.</exception>
    public IReadOnlyList<PhotoEntry> Split(PhotoIndex data, string split)
    {
        PhotoEntry[] photos = [.. data.Split(split).Where(p => _captions.ContainsKey(p.File))];
        return photos.Length > 0
            ? photos
            : throw new InvalidDataException(
                $"{_path}: no captions of {data.Folder}'s split '{split}'. Make them with 'coser dataset captions'."
            );
    }
}
