using Coser.Cli.Upscaling;
using Coser.Jobs.Work;
using Spectre.Console;

namespace Coser.Cli;

/// <summary>What the commands see of the world, so that tests can stand in for it.</summary>
internal sealed record CliHost
{
    /// <summary>Results: plain lines, tables, JSON.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Lists of paths, and a child's requests.</summary>
    public TextReader In { get; init; } = TextReader.Null;

    /// <summary>Everything that is not a result.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Standard output as Spectre sees it, for tables and live progress.</summary>
    public required IAnsiConsole Console { get; init; }

    /// <summary>True when standard output is a terminal that can redraw lines.</summary>
    public bool IsLive { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public string WorkingFolder { get; init; } = Environment.CurrentDirectory;

    /// <summary>Cancelled by Ctrl+C.</summary>
    public CancellationToken Cancel { get; init; }

    /// <summary>Stack traces with error messages (COSER_DEBUG; --verbose does the same).</summary>
    public bool Debug { get; init; }

    public Func<RestorerRequest, IPhotoRestorer> OpenRestorer { get; init; } = PhotoRestorer.Open;

    /// <summary>How a worker starts its restoring process.</summary>
    public ChildCommand Child { get; init; } = ChildCommand.OfThisProgram(typeof(CliHost).Assembly.Location);

    /// <summary>The host of a real process.</summary>
    public static CliHost ForProcess(CancellationToken cancel)
    {
        IAnsiConsole console = AnsiConsole.Console;
        return new CliHost
        {
            In = System.Console.In,
            Out = System.Console.Out,
            Error = System.Console.Error,
            Console = console,
            IsLive = console.Profile.Out.IsTerminal && console.Profile.Capabilities.Ansi,
            Cancel = cancel,
            Debug = Environment.GetEnvironmentVariable("COSER_DEBUG") is { Length: > 0 } and not "0",
        };
    }

    /// <summary>One line "coser: …" on standard error; a stack trace below it when asked for.</summary>
    public void Complain(string message, Exception? cause = null, bool verbose = false)
    {
        Error.WriteLine("coser: " + message);
        if (cause is not null && (verbose || Debug))
            Error.WriteLine(cause);
    }
}
