using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Training;
using Coser.Training.Data;
using Coser.Training.Runs;

namespace Coser.Cli.Commands;

/// <summary><c>coser train STAGE</c> and <c>coser train export</c></summary>
internal static class TrainCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("train", "Trains the networks of a model.");
        foreach (IStageKind stage in TrainingStages.All)
            command.Add(CreateStage(host, help, stage));
        command.Add(CreateExport(host));
        help.Examples(
            command,
            (
                "coser train presr --recipe recipes/coser-mini/presr.json --data photos/ --run /tmp/run",
                "start or go on"
            ),
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
        var limit = new Option<string>("--for")
        {
            HelpName = "time",
            Description = "Stop, with a checkpoint, after this time: 90m, 2h.",
        };
        Option<DeviceChoice> device = Choice.Of<DeviceChoice>(
            "--device",
            "Where to train; auto takes a CUDA GPU when there is one."
        );
        foreach (Option option in new Option[] { recipe, data, run, init, limit, device })
            command.Add(option);
        help.Examples(
            command,
            ($"coser train {stage.Name} --recipe r.json --data photos/ --run /tmp/run --for 2h", ""),
            ($"coser train {stage.Name} --run /tmp/run", "go on")
        );
        command.SetAction(parsed =>
            Train(
                host,
                stage,
                parsed.GetValue(recipe)?.FullName,
                parsed.GetValue(data)?.FullName,
                parsed.GetRequiredValue(run).FullName,
                parsed.GetValue(init)?.FullName,
                ParseTime(parsed.GetValue(limit)),
                parsed.GetValue(device)
            )
        );
        return command;
    }

    private static Command CreateExport(CliHost host)
    {
        var command = new Command(
            "export",
            "Writes the averaged weights of a run's newest checkpoint as a model, 16-bit."
        );
        Option<DirectoryInfo> run = Run();
        Option<DirectoryInfo> data = Data("The run's data set, where it has moved.");
        var output = new Option<DirectoryInfo>("--output", "-o")
        {
            HelpName = "folder",
            Description = "Model directory; its other components stay as they are.",
            Required = true,
        };
        foreach (Option option in new Option[] { run, data, output })
            command.Add(option);
        command.SetAction(parsed =>
            Export(
                host,
                parsed.GetRequiredValue(run).FullName,
                parsed.GetValue(data)?.FullName,
                parsed.GetRequiredValue(output).FullName
            )
        );
        return command;
    }

    private static int Train(
        CliHost host,
        IStageKind kind,
        string? recipePath,
        string? dataFolder,
        string runFolder,
        string? initial,
        TimeSpan? limit,
        DeviceChoice device
    )
    {
        string own = Path.Combine(runFolder, TrainingRecipe.FileName);
        RunInputs? before = RunInputs.Read(runFolder);
        if (recipePath is null && !File.Exists(own))
            throw new UsageException($"{runFolder} holds no run yet: name a recipe with --recipe.");
        if (initial is not null && File.Exists(own))
            throw new UsageException($"{runFolder} holds a run already: --init is for a new one.");
        dataFolder ??= before?.Data ?? throw new UsageException("name the data set with --data.");
        TrainingRecipe recipe = kind.ReadRecipe(File.Exists(own) ? own : recipePath!);
        PhotoIndex data = PhotoIndex.Open(dataFolder);
        using ITrainingStage stage = kind.Create(recipe, data, Compute.Choose(device, recipe.Training.Precision));
        var folder = new RunFolder(runFolder);
        folder.WriteText(TrainingRecipe.FileName, recipe.ToJson());
        new RunInputs { Stage = kind.Name, Data = dataFolder }.Write(folder);
        using SafetensorsFile? weights = initial is null ? null : SafetensorsFile.Open(initial);
        using var run = new TrainingRun(stage, recipe.Training, folder, weights);
        host.Out.WriteLine(
            $"{runFolder}: step {run.Step} of {recipe.Training.Steps}, {data.Split("train").Count} photos"
        );
        run.Train(limit, new Lines(host.Out), host.Cancel);
        host.Out.WriteLine($"{runFolder}: stopped at step {run.Step} after {run.Seconds / 60:f1} minutes in all");
        return host.Cancel.IsCancellationRequested ? ExitCode.Cancelled : ExitCode.Success;
    }

    private static int Export(CliHost host, string runFolder, string? dataFolder, string modelFolder)
    {
        RunInputs inputs =
            RunInputs.Read(runFolder) ?? throw new InvalidDataException($"{runFolder}: it holds no run.");
        if (RunFolder.CheckpointsOf(runFolder) is not [.., var checkpoint])
            throw new InvalidDataException($"{runFolder}: it holds no finished checkpoint yet.");
        IStageKind kind = TrainingStages.Find(inputs.Stage);
        TrainingRecipe recipe = kind.ReadRecipe(Path.Combine(runFolder, TrainingRecipe.FileName));
        using ITrainingStage stage = kind.Create(
            recipe,
            PhotoIndex.Open(dataFolder ?? inputs.Data),
            Compute.Choose(DeviceChoice.Cpu, recipe.Training.Precision)
        );
        CheckpointState state = RunFolder.ReadState(checkpoint);
        using SafetensorsFile average = SafetensorsFile.Open(Path.Combine(checkpoint, TrainingRun.AverageName));
        JsonElement provenance = JsonSerializer.SerializeToElement(
            new
            {
                recipe = JsonDocument.Parse(recipe.ToJson()).RootElement,
                steps = state.Step,
                hours = Math.Round(state.Seconds / 3600, 2),
                code = BuildInfo.Full,
            },
            CoserJson.Strict
        );
        IReadOnlyList<TrainedComponent> components = stage.Components(
            average.Entries.Keys.ToDictionary(k => k, average.Read, StringComparer.Ordinal)
        );
        ModelExport.Write(components, modelFolder, provenance);
        host.Out.WriteLine($"{modelFolder}: {string.Join(", ", components.Select(c => c.Role))} of step {state.Step}");
        return ExitCode.Success;
    }

    private static Option<DirectoryInfo> Data(string description) =>
        new("--data") { HelpName = "folder", Description = description };

    private static Option<DirectoryInfo> Run() =>
        new("--run")
        {
            HelpName = "folder",
            Description = "Folder of the run: recipe, metrics, samples, checkpoints. Keep it outside a checkout.",
            Required = true,
        };

    private static TimeSpan? ParseTime(string? text)
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

    private sealed class Lines(TextWriter output) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            TimeSpan left = TimeSpan.FromSeconds((value.Steps - value.Step) / value.StepsPerSecond);
            string figures = value.Validation is null
                ? ""
                : "  " + string.Join(' ', value.Validation.Select(v => $"{v.Key} {v.Value:f4}"));
            output.WriteLine(
                $"step {value.Step}/{value.Steps}  loss {value.Loss:f5}  lr {value.LearningRate:g3}  "
                    + $"{value.StepsPerSecond:f2} it/s  waiting {value.Waiting:p1}  left {left:h\\:mm}{figures}"
            );
        }
    }
}
