namespace Coser.Checkpoints;

/// <summary>A checkpoint or model directory cannot be used; the message, one line, names the file and the reason.</summary>
public sealed class CheckpointException(string path, string reason, Exception? inner = null)
    : Exception(OneLine($"{path}: {reason}"), inner)
{
    /// <summary>The file or folder.</summary>
    public string Path { get; } = path;

    // Names from a hostile file may hold line breaks or terminal codes.
    private static string OneLine(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text;
}
