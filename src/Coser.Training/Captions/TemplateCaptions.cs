using Coser.Training.Data;
using Coser.Training.Degradation;
using static TorchSharp.torch;

namespace Coser.Training.Captions;

/// <summary>
/// Captions from templates: the label, where there is one, joined with what the pixels say. They follow from the seed and
/// the photo alone, whatever the order or the number of threads.
/// </summary>
/// <param name="perPhoto">Captions a photo, all different; fewer where so little can be said.</param>
public sealed class TemplateCaptions(int perPhoto, ulong seed) : ICaptionSource
{
    private const int Tries = 12;

    /// <inheritdoc/>
    public IReadOnlyList<string> Describe(string path, PhotoEntry entry, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        return Describe(TrainingPhoto.Load(path), entry);
    }

    /// <summary>Describes pixels.</summary>
    /// <param name="photo">[3,H,W], uint8, sRGB.</param>
    public IReadOnlyList<string> Describe(Tensor photo, PhotoEntry entry)
    {
        var sentence = new CaptionSentence(PhotoLook.Measure(photo), entry.Label);
        using var draws = SeededDraws.ForSample(seed, epoch: 0, Number(entry.File));
        var captions = new List<string>();
        var said = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < 2 * Tries * perPhoto && captions.Count < perPhoto; i++)
        {
            (string caption, string content) = sentence.Draw(draws);
            // Something new each time; where there is no more, new words for it.
            bool isNew = said.Add(content);
            if ((isNew || i > Tries * perPhoto) && !captions.Contains(caption, StringComparer.Ordinal))
                captions.Add(caption);
        }
        return captions;
    }

    // FNV-1a: the same on every machine, unlike string.GetHashCode.
    private static long Number(string file) =>
        (long)file.Aggregate(14695981039346656037UL, (hash, c) => unchecked((hash ^ c) * 1099511628211UL));
}
