namespace Coser.Checkpoints;

/// <summary>A checkpoint or model directory cannot be used; the message names the file and the reason.</summary>
public sealed class CheckpointException(string path, string reason, Exception? inner = null)
    : Exception($"{path}: {reason}", inner)
{
    /// <summary>The file or folder.</summary>
    public string Path { get; } = path;
}
