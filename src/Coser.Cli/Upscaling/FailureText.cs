using System.Runtime.InteropServices;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Cli.Upscaling;

/// <summary>Says in one line what went wrong and, where known, what to do.</summary>
internal static class FailureText
{
    private const string Memory =
        "there is not enough memory. Try a smaller --tile, fewer --threads, or close other programs.";

    /// <summary>True when the next file would fail the same way.</summary>
    public static bool IsFatal(Exception e) => e is EngineException or CheckpointException;

    /// <summary>The reason without the file's name, which every caller puts in front.</summary>
    public static string For(Exception e, string name, string fullPath)
    {
        string reason = e switch
        {
            OutOfMemoryException => Memory,
            ExternalException when IsMemory(e.Message) => Memory,
            ExternalException => "the engine failed: " + FirstLine(e.Message),
            PhotoException p => $"{p.Reason}. {p.Remedy}",
            RestorationException or CheckpointException or EngineException => OneLine(e.Message),
            FileNotFoundException or DirectoryNotFoundException => "there is no such file. Check the path.",
            UnauthorizedAccessException => "access is denied. Check the permissions of the file and its folder.",
            IOException => OneLine(e.Message),
            _ => $"unexpected {e.GetType().Name}: {OneLine(e.Message)} Run with --verbose and report it.",
        };
        foreach (string prefix in new[] { fullPath, name })
        {
            if (reason.StartsWith(prefix + ":", StringComparison.Ordinal))
                return reason[(prefix.Length + 1)..].TrimStart();
        }
        return reason;
    }

    /// <summary>Joins the lines of a message.</summary>
    public static string OneLine(string message) =>
        string.Join(
            ' ',
            message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        );

    // libtorch appends a native stack trace to its messages.
    private static string FirstLine(string message) =>
        message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            is [var first, ..]
            ? first
            : "it gave no reason";

    private static bool IsMemory(string message) =>
        message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
        || message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
        || message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);
}
