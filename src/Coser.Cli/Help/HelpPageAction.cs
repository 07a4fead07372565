using System.CommandLine;
using System.CommandLine.Invocation;

namespace Coser.Cli.Help;

/// <summary>--help: writes the page of the command it stands behind.</summary>
internal sealed class HelpPageAction(HelpPages pages, CliHost host) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        pages.Write(parseResult.CommandResult.Command, host.Out, HelpPages.Width(host));
        return ExitCode.Success;
    }
}

/// <summary>An option that prints something and is done.</summary>
internal sealed class Output(Action print) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        print();
        return ExitCode.Success;
    }
}
