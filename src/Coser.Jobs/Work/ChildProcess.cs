using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using Coser.Jobs.Model;

namespace Coser.Jobs.Work;

/// <summary>
/// A process that restores photos, one after another, so that whatever happens to it (a native crash, the kernel's
/// out-of-memory killer, a hang) happens to it alone. It ends when its parent does, however that ends.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private const int LastWords = 400;
    private const int SignalBase = 128;
    private readonly Process _process;
    private readonly Channel<ChildMessage> _messages = Channel.CreateUnbounded<ChildMessage>();
    private volatile string _lastError = "";
    private readonly Task _errors;

    private ChildProcess(Process process)
    {
        _process = process;
        _ = ReadMessagesAsync();
        _errors = ReadErrorsAsync();
    }

    /// <summary>What it says; ends when the process does.</summary>
    public ChannelReader<ChildMessage> Messages => _messages.Reader;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <exception cref="JobsException">The program cannot be started.</exception>
    public static ChildProcess Start(ChildCommand command)
    {
        var start = new ProcessStartInfo(command.File, command.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // libtorch and libvips allocate from many threads; glibc would keep a heap for each.
        start.Environment.TryAdd("MALLOC_ARENA_MAX", "2");
        try
        {
            var child = new ChildProcess(Process.Start(start)!);
            child.OfferToKernel();
            return child;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            throw new JobsException(
                command.File,
                $"the restoring process cannot be started ({e.Message})",
                "Check that the program's folder is complete.",
                e
            );
        }
    }

    /// <summary>Writes a line. A child that is gone is noticed where its messages end, not here.</summary>
    public async Task SendAsync(string line)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(line);
            await _process.StandardInput.FlushAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException) { }
    }

    /// <summary>Ends it the hard way, and waits until it has ended.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception) { }
        _process.WaitForExit(TimeSpan.FromSeconds(10));
    }

    /// <summary>How it ended, for people.</summary>
    public async Task<string> EndAsync()
    {
        await _process.WaitForExitAsync();
        // Its last words may still be on their way; a child of its own may hold the pipe open for longer.
        await Task.WhenAny(_errors, Task.Delay(TimeSpan.FromSeconds(2)));
        int code = _process.ExitCode;
        string how = (code - SignalBase) switch
        {
            9 => "was killed (signal 9), most likely because memory ran out; a smaller --tile needs less",
            6 or 11 or 7 or 4 or 8 => $"crashed (signal {code - SignalBase})",
            > 0 and < 65 => $"was ended by signal {code - SignalBase}",
            _ => $"ended with exit code {code}",
        };
        string words = _lastError;
        return $"the restoring process {how}{(words.Length > 0 ? ": " + words : "")}";
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    private async Task ReadMessagesAsync()
    {
        try
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (Parse(line) is { } message)
                    _messages.Writer.TryWrite(message);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException) { }
        _messages.Writer.TryComplete();
    }

    private async Task ReadErrorsAsync()
    {
        try
        {
            while (await _process.StandardError.ReadLineAsync() is { } line)
            {
                if (line.Trim() is { Length: > 0 } words)
                    _lastError = words.Length > LastWords ? words[..LastWords] : words;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException) { }
    }

    // A native library may print what it likes: what is no message of ours is none.
    private static ChildMessage? Parse(string line)
    {
        if (!line.StartsWith('{'))
            return null;
        try
        {
            return JobsJson.Read<ChildMessage>(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // When memory runs out, the kernel is to take this process and not its parent.
    private void OfferToKernel()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            File.WriteAllText($"/proc/{_process.Id}/oom_score_adj", "500");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }
}
