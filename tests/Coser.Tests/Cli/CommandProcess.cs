using System.Diagnostics;

namespace Coser.Tests.Cli;

/// <summary>The built command in a process of its own, which a test can kill.</summary>
internal static class CommandProcess
{
    /// <summary>Starts it; what it prints is dropped, its errors are kept for <see cref="End"/>.</summary>
    public static Process Start(params IEnumerable<string> arguments)
    {
        Process process = StartHeard(arguments);
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    /// <summary>Starts it, with its output for the caller to read.</summary>
    public static Process StartHeard(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Coser.Cli.dll"), .. arguments]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        return Process.Start(start)!;
    }

    /// <summary>Waits for its end, which must be a good one.</summary>
    public static void End(Process process)
    {
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
    }
}
