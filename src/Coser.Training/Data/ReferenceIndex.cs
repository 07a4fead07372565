using System.Text.Json;

namespace Coser.Training.Data;

/// <summary>A photo that may serve as a reference.</summary>
/// <param name="File">As in the data set's index.</param>
/// <param name="Similarity">Cosine of the CLIP image embeddings, -1 to 1.</param>
public sealed record ReferencePhoto(string File, double Similarity);

/// <summary>The references of one photo: a line of <c>references.jsonl</c>.</summary>
/// <param name="File">As in the data set's index.</param>
/// <param name="References">Most similar first.</param>
public sealed record PhotoReferences(string File, IReadOnlyList<ReferencePhoto> References)
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
    public static PhotoReferences Parse(string line) =>
        JsonSerializer.Deserialize<PhotoReferences>(line, Json) ?? throw new JsonException("it is null");
}

/// <summary>Which photos of a data set resemble which, as <c>coser dataset references</c> writes it.</summary>
public sealed class ReferenceIndex
{
    private readonly Dictionary<string, IReadOnlyList<ReferencePhoto>> _references = new(StringComparer.Ordinal);

    private ReferenceIndex() { }

    /// <summary>The references of a photo, most similar first; empty: it has none.</summary>
    public IReadOnlyList<ReferencePhoto> this[string file] => _references.GetValueOrDefault(file) ?? [];

    /// <summary>Reads an index. Of two lines for a photo the later counts.</summary>
    /// <exception cref="InvalidDataException">It is missing or damaged; the line is named.</exception>
    public static ReferenceIndex Open(string path)
    {
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: there is no such index. Make it with 'coser dataset references'.");
        var index = new ReferenceIndex();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            try
            {
                PhotoReferences photo = PhotoReferences.Parse(line);
                index._references[photo.File] = photo.References;
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{path}, line {number}: no references of a photo ({e.Message}).", e);
            }
        }
        return index;
    }
}
