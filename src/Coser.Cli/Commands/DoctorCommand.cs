using System.CommandLine;
using Coser.Cli.Diagnostics;
using Coser.Cli.Help;
using Coser.Cli.Reports;
using Spectre.Console;

namespace Coser.Cli.Commands;

/// <summary><c>coser doctor</c></summary>
internal static class DoctorCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("doctor", "Checks this machine: engine, processor, memory, models, formats, speed.");
        Option<bool> json = Choice.Json("Print JSON.");
        command.Add(json);
        help.Footer(command, "Ends with exit code 1 when something needed is broken.");
        command.SetAction(parsed => Run(host, Doctor.AllChecks, parsed.GetValue(json)));
        return command;
    }

    internal static int Run(CliHost host, IReadOnlyList<Func<Finding>> checks, bool json)
    {
        var findings = new List<Finding>();
        foreach (Func<Finding> check in checks)
        {
            host.Cancel.ThrowIfCancellationRequested();
            Finding finding = check();
            findings.Add(finding);
            if (!json)
                Print(host, finding);
        }
        bool broken = findings.Exists(f => f.State == FindingState.Fail);
        if (json)
            host.Out.WriteLine(CliJson.Document(new { ok = !broken, checks = findings.Select(Described) }));
        else
            host.Out.WriteLine(broken ? "Something needed is broken." : "Ready.");
        return broken ? ExitCode.Failed : ExitCode.Success;
    }

    private static void Print(CliHost host, Finding finding)
    {
        (string mark, string colour) = finding.State switch
        {
            FindingState.Ok => ("ok  ", "green"),
            FindingState.Warn => ("warn", "yellow"),
            _ => ("FAIL", "red"),
        };
        // Through Spectre only where there is a terminal: it would wrap long lines in a pipe.
        if (host.IsLive)
            host.Console.Markup($"[{colour}]{mark}[/]");
        else
            host.Out.Write(mark);
        host.Out.WriteLine($"  {finding.Name, -11} {finding.Detail}");
        if (finding.Remedy is not null)
            host.Out.WriteLine($"                  {finding.Remedy}");
    }

    private static object Described(Finding f) =>
        new
        {
            name = f.Name,
            state = f.State.ToString().ToLowerInvariant(),
            detail = f.Detail,
            remedy = f.Remedy,
        };
}
