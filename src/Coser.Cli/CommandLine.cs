using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using Coser.Checkpoints;
using Coser.Cli.Commands;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Imaging;
using Coser.Jobs.Model;
using Coser.Restoration;

namespace Coser.Cli;

/// <summary>The command <c>coser</c>: its tree of commands, and the one place where errors become exit codes.</summary>
internal static class CommandLine
{
    public const string Name = "coser";

    public static int Run(string[] args, CliHost host)
    {
        var verbose = new Option<bool>("--verbose")
        {
            Description = "Show stack traces with error messages (COSER_DEBUG=1 does the same).",
            Recursive = true,
        };
        var help = new HelpPages();
        RootCommand root = Create(host, help, verbose);
        ParseResult parsed = root.Parse(CompletionCommand.WithoutCommandName(args));
        try
        {
            if (UsageErrors.Find(parsed) is { } error)
                throw new UsageException(error);
            return parsed.Invoke(
                new InvocationConfiguration
                {
                    Output = host.Out,
                    Error = host.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                }
            );
        }
        catch (UsageException e)
        {
            host.Complain(e.Message);
            host.Error.WriteLine($"Try '{HelpPages.FullName(parsed.CommandResult.Command)} --help'.");
            return ExitCode.Usage;
        }
        catch (OperationCanceledException) when (host.Cancel.IsCancellationRequested)
        {
            return ExitCode.Cancelled;
        }
        catch (Exception e)
            when (e
                    is EngineException
                        or CheckpointException
                        or PhotoException
                        or JobsException
                        or RestorationException
                        or InvalidDataException
                        or IOException
                        or UnauthorizedAccessException
            )
        {
            host.Complain(FailureText.OneLine(e.Message), e, parsed.GetValue(verbose));
            return ExitCode.Failed;
        }
        // Whatever is left is our mistake: still one line, and how to learn more.
        catch (Exception e)
        {
            host.Complain(
                $"unexpected {e.GetType().Name}: {FailureText.OneLine(e.Message)} Run with --verbose and report it.",
                e,
                parsed.GetValue(verbose)
            );
            return ExitCode.Failed;
        }
    }

    private static RootCommand Create(CliHost host, HelpPages help, Option<bool> verbose)
    {
        var root = new RootCommand(
            "Enlarges photos to four times their width and height, and restores detail on the way."
        );
        root.Options.Clear();
        var version = new VersionOption("--version")
        {
            Description = "Show the version and the commit it was built from.",
        };
        version.Action = new Output(() => host.Out.WriteLine($"{Name} {BuildInfo.Full}"));
        var helpOption = new HelpOption("--help", "-h") { Description = "Show help for any command." };
        helpOption.Action = new HelpPageAction(help, host);
        root.Add(helpOption);
        root.Add(version);
        root.Add(verbose);
        root.Add(UpscaleCommand.Create(host, help, verbose));
        root.Add(ReferenceCommand.Create(host, help));
        root.Add(ModelsCommand.Create(host, help));
        root.Add(EvalCommand.Create(host, help));
        root.Add(DatasetCommand.Create(host, help));
        root.Add(TrainCommand.Create(host, help));
        root.Add(BatchCommand.Create(host, help));
        root.Add(WorkerCommand.Create(host, help));
        root.Add(ServeCommand.Create(host, help));
        root.Add(DoctorCommand.Create(host, help));
        root.Add(CompletionCommand.Create(host, help));
        root.Directives.Clear();
        root.Add(new SuggestDirective());
        help.Examples(
            root,
            ("coser upscale photo.jpg", "writes photo.x4.jpg beside it"),
            ("coser upscale holiday/ -r -o large/", "a whole folder"),
            ("coser serve", "a web page to drop photos on"),
            ("coser doctor", "is this machine ready?")
        );
        help.Footer(root, "'coser <command> --help' explains a command.");
        root.SetAction(_ => ShowHelp(root, help, host));
        return root;
    }

    /// <summary>For commands that only hold others: called alone, they are called wrongly.</summary>
    public static int ShowHelp(Command command, HelpPages help, CliHost host)
    {
        help.Write(command, host.Error, HelpPages.Width(host));
        return ExitCode.Usage;
    }
}
