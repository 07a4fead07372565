using System.Text;
using System.Text.Json;

namespace Coser.Training.Data;

/// <summary>A photo that can stand as a reference for another one.</summary>
/// <param name="File">As in the data set's index.</param>
/// <param name="Similarity">Cosine of the two photos' CLIP embeddings, [-1,1].</param>
public sealed record Reference(string File, float Similarity);

/// <summary>A line of <c>references.jsonl</c>.</summary>
/// <param name="File">As in the data set's index.</param>
/// <param name="References">Best first.</param>
public sealed record PhotoReferences(string File, IReadOnlyList<Reference> References)
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

/// <summary>The references of a data set's photos, as <c>coser dataset references</c> writes them.</summary>
public sealed class ReferenceIndex
{
    private readonly Dictionary<string, IReadOnlyList<Reference>> _references = new(StringComparer.Ordinal);

    private ReferenceIndex() { }

    /// <summary>Photos with references.</summary>
    public int Photos => _references.Count;

    /// <summary>The references of a photo, best first; empty: it has none.</summary>
    public IReadOnlyList<Reference> this[string file] => _references.GetValueOrDefault(file) ?? [];

    /// <summary>Reads a file of references and checks it against its data set.</summary>
    /// <exception cref="InvalidDataException">It is missing, damaged (the line is named), empty, or names a photo that the
    /// data set has not.</exception>
    public static ReferenceIndex Open(string path, PhotoIndex data)
    {
        const string Make = "Make them with 'coser dataset references'.";
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: there are no references. {Make}");
        var index = new ReferenceIndex();
        // The same text once: ten references a photo name every file about ten times.
        var names = data.Entries.ToDictionary(e => e.File, e => e.File, StringComparer.Ordinal);
        int number = 0;
        foreach (string line in File.ReadLines(path, Encoding.UTF8))
        {
            number++;
            try
            {
                PhotoReferences photo = PhotoReferences.Parse(line);
                index._references[Known(photo.File)] =
                [
                    .. photo.References.Select(r => r with { File = Known(r.File) }),
                ];
            }
            catch (JsonException e)
            {
                throw new InvalidDataException(
                    $"{path}, line {number}: no references of a photo ({e.Message}). {Make}",
                    e
                );
            }
        }
        return index._references.Count > 0 ? index : throw new InvalidDataException($"{path}: it is empty. {Make}");

        string Known(string file) =>
            names.GetValueOrDefault(file)
            ?? throw new InvalidDataException(
                $"{path}, line {number}: '{file}' is no photo of {data.Folder}. The references are of another data set. {Make}"
            );
    }
}
