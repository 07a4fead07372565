using System.CommandLine;
using Coser.Cli.Help;
using Coser.Cli.Training;
using Coser.Engine;

namespace Coser.Cli.Commands;

/// <summary><c>coser train all</c></summary>
internal static class TrainAllCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "all",
            "Trains a whole model by a plan: every stage and what lies between, each once. What was stopped goes on."
        );
        var plan = new Option<FileInfo>("--plan")
        {
            HelpName = "file",
            Description = "The steps (JSON), with their recipes beside it.",
            Required = true,
        };
        Option<DirectoryInfo> data = TrainCommand.Data("Data set: index.jsonl and photos/.");
        data.Required = true;
        var work = new Option<DirectoryInfo>("--work")
        {
            HelpName = "folder",
            Description = "Gets the model, the runs and all that is made on the way.",
            Required = true,
        };
        var from = new Option<string>("--from")
        {
            HelpName = "step",
            Description = "Do this step and all later ones again: what they made is deleted.",
        };
        Option<string> limit = TrainCommand.Limit();
        Option<DeviceChoice> device = TrainCommand.Device();
        foreach (Option option in new Option[] { plan, data, work, from, limit, device })
            command.Add(option);
        help.Examples(
            command,
            ("coser train all --plan recipes/coser-mini/plan.json --data photos/ --work W", "coser-mini from nothing"),
            ("coser train status --run W/runs", "how its runs stand")
        );
        command.SetAction(parsed =>
            new PlanSession(
                host,
                new PlanRequest
                {
                    Plan = parsed.GetRequiredValue(plan).FullName,
                    Data = parsed.GetRequiredValue(data).FullName,
                    Work = parsed.GetRequiredValue(work).FullName,
                    From = parsed.GetValue(from),
                    Limit = TrainCommand.ParseTime(parsed.GetValue(limit)),
                    Device = parsed.GetValue(device),
                }
            ).Run()
        );
        return command;
    }
}
