using System.CommandLine;
using System.Globalization;
using Coser.Cli.Help;
using Coser.Cli.Training;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Training;
using Coser.Training.Runs;

namespace Coser.Cli.Commands;

/// <summary><c>coser train</c> and <c>coser train STAGE</c></summary>
internal static class TrainCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("train", "Trains the networks of a model.");
        foreach (IStageKind stage in TrainingStages.All)
            command.Add(CreateStage(host, help, stage));
        command.Add(TrainAllCommand.Create(host, help));
        command.Add(TrainStatusCommand.Create(host, help));
        command.Add(TrainExportCommand.Create(host, help));
        help.Examples(
            command,
            (
                "coser train presr --recipe recipes/coser-mini/presr.json --data photos/ --run /tmp/run",
                "start or go on"
            ),
            ("coser train status --run /tmp/run", "how it stands"),
            ("coser train export --run /tmp/run -o models/mine", "write the weights as a model")
        );
        command.SetAction(_ => CommandLine.ShowHelp(command, help, host));
        return command;
    }

    private static Command CreateStage(CliHost host, HelpPages help, IStageKind stage)
    {
        var command = new Command(stage.Name, stage.Description + " A run that was stopped goes on where it was.");
        var recipe = new Option<FileInfo>("--recipe")
        {
            HelpName = "file",
            Description = "Recipe (JSON) of a new run. A run that exists keeps its own.",
        };
        Option<DirectoryInfo> data = Data("Data set: index.jsonl and photos/. A run that exists remembers it.");
        Option<DirectoryInfo> run = Run();
        var init = new Option<FileInfo>("--init")
        {
            HelpName = "file",
            Description = "Start a new run from the weights of a .safetensors file.",
        };
        Option<string> limit = Limit();
        Option<DeviceChoice> device = Device();
        var resume = new Option<bool>("--resume")
        {
            Description =
                "Go on with a run, and fail when the folder holds none. Without it a run that exists goes on too.",
        };
        foreach (Option option in new Option[] { recipe, data, run, init, resume, limit, device })
            command.Add(option);
        help.Examples(
            command,
            ($"coser train {stage.Name} --recipe r.json --data photos/ --run /tmp/run --for 2h", ""),
            ($"coser train {stage.Name} --run /tmp/run", "go on")
        );
        command.SetAction(parsed =>
            TrainSession.Train(
                host,
                new TrainRequest
                {
                    Stage = stage,
                    Run = parsed.GetRequiredValue(run).FullName,
                    Recipe = parsed.GetValue(recipe)?.FullName,
                    Data = parsed.GetValue(data)?.FullName,
                    Initial = parsed.GetValue(init)?.FullName,
                    Resume = parsed.GetValue(resume),
                    Limit = ParseTime(parsed.GetValue(limit)),
                    Device = parsed.GetValue(device),
                }
            )
        );
        return command;
    }

    /// <summary>--data, with a description of its own.</summary>
    public static Option<DirectoryInfo> Data(string description) =>
        new("--data") { HelpName = "folder", Description = description };

    /// <summary>--run.</summary>
    public static Option<DirectoryInfo> Run() =>
        new("--run")
        {
            HelpName = "folder",
            Description = "Folder of the run: recipe, metrics, samples, checkpoints. Keep it outside a checkout.",
            Required = true,
        };

    /// <summary>--for.</summary>
    public static Option<string> Limit() =>
        new("--for") { HelpName = "time", Description = "Stop, with a checkpoint, after this time: 90m, 2h." };

    /// <summary>--device.</summary>
    public static Option<DeviceChoice> Device() =>
        Choice.Of<DeviceChoice>("--device", "Where to train; auto takes a CUDA GPU when there is one.");

    /// <summary>What <see cref="Limit"/> was given.</summary>
    /// <exception cref="UsageException">It is no time.</exception>
    public static TimeSpan? ParseTime(string? text)
    {
        if (text is null)
            return null;
        double unit = text[^1..] switch
        {
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            _ => 0,
        };
        bool good = double.TryParse(text[..^1], NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
        return good && unit > 0 && value is > 0 and < 1e6
            ? TimeSpan.FromSeconds(value * unit)
            : throw new UsageException($"--for wants a time such as 90m or 2h, not '{text}'.");
    }
}
