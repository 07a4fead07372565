namespace Coser.Imaging;

/// <summary>A photo cannot be read or written. The message is one line: the path, the reason and what to do about it.</summary>
/// <param name="path">The file.</param>
/// <param name="reason">What is wrong, without a full stop.</param>
/// <param name="remedy">A sentence that says what to do.</param>
public sealed class PhotoException(string path, string reason, string remedy, Exception? inner = null)
    : Exception(OneLine($"{path}: {reason}. {remedy}"), inner)
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;

    /// <summary>What is wrong.</summary>
    public string Reason { get; } = OneLine(reason);

    /// <summary>True when the file is of no kind that is read here, rather than damaged or too large.</summary>
    public bool IsNoPhoto { get; init; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; } = remedy;

    // File names and decoder messages may hold line breaks, and some hold control codes meant for a terminal.
    private static string OneLine(string text) =>
        string.Join(
            ' ',
            string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        );
}
