using System.CommandLine;
using System.Globalization;
using Coser.Cli.Help;
using Coser.Cli.Models;
using Coser.Cli.Reports;
using Coser.Cli.Training;
using Coser.Training.Runs;
using Spectre.Console;

namespace Coser.Cli.Commands;

/// <summary><c>coser train status</c></summary>
internal static class TrainStatusCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("status", "Shows how a run, or every run of a folder, stands; changes nothing.");
        var run = new Option<DirectoryInfo>("--run")
        {
            HelpName = "folder",
            Description = "A run, or a folder of runs.",
            Required = true,
        };
        var json = new Option<bool>("--json") { Description = "JSON: an array with an object a run." };
        command.Add(run);
        command.Add(json);
        help.Examples(command, ("coser train status --run /tmp/run", ""), ("coser train status --run runs/", "all"));
        command.SetAction(parsed => Show(host, parsed.GetRequiredValue(run).FullName, parsed.GetValue(json)));
        return command;
    }

    private static int Show(CliHost host, string folder, bool json)
    {
        RunStatus[] runs = [.. RunStatus.Find(folder).Select(f => RunStatus.Read(f, host.Clock.GetUtcNow()))];
        if (json)
            host.Out.WriteLine(CliJson.Document(runs.Select(Document)));
        else if (runs.Length == 1)
            One(host, runs[0]);
        else if (host.IsLive)
            host.Console.Write(Many(runs));
        else
            foreach (RunStatus run in runs)
                host.Out.WriteLine(string.Join("  ", Cells(run)));
        return ExitCode.Success;
    }

    private static void One(CliHost host, RunStatus run)
    {
        (string Name, string Value)[] facts = [.. Facts(run)];
        if (!host.IsLive)
        {
            foreach ((string name, string value) in facts)
                host.Out.WriteLine($"{name, -12}{value}");
            return;
        }
        Grid grid = new Grid().AddColumn().AddColumn();
        foreach ((string name, string value) in facts)
            grid.AddRow($"[grey]{name}[/]", name == "state" ? Coloured(run.State, value) : Markup.Escape(value));
        host.Console.Write(grid);
    }

    private static IEnumerable<(string Name, string Value)> Facts(RunStatus run)
    {
        yield return ("run", run.Folder);
        yield return ("stage", run.Stage);
        yield return ("state", State(run));
        yield return ("step", $"{run.Step} of {run.Steps} ({Share(run)})");
        if (run.Loss is { } loss)
            yield return ("loss", Number(loss));
        if (run.Validation.Count > 0)
            yield return ("validation", $"{Figures(run)} at step {run.ValidationStep}");
        if (run.Best is { } best)
            yield return ("best", $"{best.Metric} {Number(best.Value)} at step {best.Step}");
        yield return ("trained", PlainTrainReport.Time(run.Seconds));
        if (run.State == RunState.Training)
        {
            yield return ("left", run.Left is { } left ? PlainTrainReport.Time(left) : "?");
            yield return (
                "speed",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run.StepsPerSecond:f2} it/s, {run.Waiting:p1} waiting for data, {Sizes.Bytes(run.Memory ?? 0)}"
                )
            );
        }
        if (run.Skipped > 0)
            yield return ("skipped", $"{run.Skipped} steps whose loss or gradient was not finite");
        foreach (RunCheckpoint checkpoint in run.Checkpoints)
            yield return ("checkpoint", $"{checkpoint.Name}  {Sizes.Bytes(checkpoint.Bytes)}");
        foreach (string code in run.Code)
            yield return ("code", code);
    }

    private static Table Many(RunStatus[] runs)
    {
        Table table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumns("Run", "Stage", "State", "Step", "Loss", "Validation", "Best", "Trained", "Left");
        foreach (RunStatus run in runs)
        {
            string[] cells = Cells(run);
            table.AddRow([.. cells.Select((c, i) => i == 2 ? Coloured(run.State, c) : Markup.Escape(c))]);
        }
        return table;
    }

    private static string[] Cells(RunStatus run) =>
        [
            Path.GetFileName(run.Folder),
            run.Stage,
            State(run),
            $"{run.Step}/{run.Steps}",
            run.Loss is { } loss ? Number(loss) : "-",
            run.Validation.Count > 0 ? Figures(run) : "-",
            run.Best is { } best ? $"{best.Metric} {Number(best.Value)} @ {best.Step}" : "-",
            PlainTrainReport.Time(run.Seconds),
            run.Left is { } left ? PlainTrainReport.Time(left) : "-",
        ];

    private static string State(RunStatus run) =>
        run.State switch
        {
            RunState.Training => $"training ({run.Host}, process {run.Process})",
            RunState.Finished => "finished",
            _ => "stopped",
        };

    private static string Coloured(RunState state, string text) =>
        state switch
        {
            RunState.Training => $"[green]{Markup.Escape(text)}[/]",
            RunState.Stopped => $"[yellow]{Markup.Escape(text)}[/]",
            _ => Markup.Escape(text),
        };

    private static string Figures(RunStatus run) =>
        string.Join(' ', run.Validation.Select(v => $"{v.Key} {Number(v.Value)}"));

    private static string Share(RunStatus run) =>
        (run.Steps > 0 ? (double)run.Step / run.Steps : 0).ToString("p1", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("g5", CultureInfo.InvariantCulture);

    private static object Document(RunStatus run) =>
        new
        {
            run.Folder,
            run.Stage,
            State = State(run).Split(' ')[0],
            run.Step,
            run.Steps,
            run.Loss,
            run.Validation,
            run.ValidationStep,
            run.Best,
            run.Seconds,
            run.Left,
            run.StepsPerSecond,
            run.Waiting,
            run.Memory,
            run.Skipped,
            run.Checkpoints,
            run.Host,
            run.Process,
            run.Updated,
            run.Code,
        };
}
