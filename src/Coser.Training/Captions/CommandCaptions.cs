using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Coser.Training.Data;

namespace Coser.Training.Captions;

/// <summary>
/// Captions by a program of the user's: it gets the photo's path as its last argument and prints a caption a line. No shell
/// takes part, so no file name can do harm.
/// </summary>
public sealed class CommandCaptions : ICaptionSource
{
    private readonly string[] _words;
    private readonly int _perPhoto;
    private readonly TimeSpan _timeout;

    /// <param name="command">Program and arguments, parted by spaces; quotes, single or double, hold words together.</param>
    /// <param name="perPhoto">Lines that are taken of a photo; the rest is ignored.</param>
    /// <param name="timeout">Longest time of a photo; then the program and what it started are ended.</param>
    /// <exception cref="ArgumentException">The command is empty or a quote is not closed.</exception>
    public CommandCaptions(string command, int perPhoto, TimeSpan timeout)
    {
        (_words, _perPhoto, _timeout) = (Split(command), perPhoto, timeout);
        if (_words.Length == 0)
            throw new ArgumentException("the command is empty", nameof(command));
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Describe(string path, PhotoEntry entry, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_timeout);
        using Process process = Start(path, entry);
        try
        {
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            string output = process.StandardOutput.ReadToEndAsync(limit.Token).GetAwaiter().GetResult();
            string complaint = errors.GetAwaiter().GetResult();
            process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
            if (process.ExitCode != 0)
                throw new CaptionException(
                    entry.File,
                    $"{_words[0]} ended with code {process.ExitCode}{Last(complaint)}"
                );
            return Lines(output) is { Length: > 0 } lines
                ? lines
                : throw new CaptionException(entry.File, $"{_words[0]} printed no caption{Last(complaint)}");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new CaptionException(
                entry.File,
                $"{_words[0]} took longer than {_timeout.TotalSeconds:g} s. Allow it more with --timeout."
            );
        }
        finally
        {
            Stop(process);
        }
    }

    /// <summary>The words of a command line.</summary>
    internal static string[] Split(string command)
    {
        var words = new List<string>();
        StringBuilder? word = null;
        char quote = '\0';
        foreach (char c in command)
        {
            if (quote != '\0' ? c == quote : c is '"' or '\'')
            {
                quote = quote == '\0' ? c : '\0';
                word ??= new StringBuilder(); // "" is a word
            }
            else if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (word is not null)
                    words.Add(word.ToString());
                word = null;
            }
            else
                (word ??= new StringBuilder()).Append(c);
        }
        if (quote != '\0')
            throw new ArgumentException($"a quote {quote} is not closed", nameof(command));
        if (word is not null)
            words.Add(word.ToString());
        return [.. words];
    }

    private Process Start(string path, PhotoEntry entry)
    {
        var start = new ProcessStartInfo(_words[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string word in _words.Skip(1).Append(path))
            start.ArgumentList.Add(word);
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new CaptionException(entry.File, $"{_words[0]} cannot be started: {e.Message}. Check --command.", e);
        }
    }

    private static void Stop(Process process)
    {
        try
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It ended by itself.
        }
    }

    private string[] Lines(string output) =>
        [
            .. output
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Where(l => l.Length > 0)
                .Take(_perPhoto),
        ];

    private static string Last(string complaint) =>
        complaint.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is [.., var last]
            ? ": " + last
            : "";
}
