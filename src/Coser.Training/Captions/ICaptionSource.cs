using Coser.Training.Data;

namespace Coser.Training.Captions;

/// <summary>A photo got no captions; the others may. The message, one line, names the photo, the reason and the remedy.</summary>
public sealed class CaptionException(string photo, string reason, Exception? inner = null)
    : Exception(OneLine($"{photo}: {reason}"), inner)
{
    // Somebody else's program or server wrote part of it.
    private static string OneLine(string text) =>
        string.Join(
            ' ',
            string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        );
}

/// <summary>Something that describes photos. Called from several threads at once.</summary>
public interface ICaptionSource
{
    /// <summary>Describes a photo.</summary>
    /// <param name="path">Full path of its file.</param>
    /// <param name="entry">What the index says of it.</param>
    /// <returns>At least one caption, each a line.</returns>
    /// <exception cref="CaptionException">There is none for this photo.</exception>
    /// <exception cref="Imaging.PhotoException">The photo cannot be read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was.</exception>
    IReadOnlyList<string> Describe(string path, PhotoEntry entry, CancellationToken cancel);
}
