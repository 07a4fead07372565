using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Training.Data;
using Coser.Training.PreSr;
using Coser.Training.Runs;

namespace Coser.Cli.Commands;

/// <summary><c>coser train presr</c> and <c>coser train export</c></summary>
internal static class TrainCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("train", "Trains the networks of a model.");
        command.Add(CreatePreSr(host, help));
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

    private static Command CreatePreSr(CliHost host, HelpPages help)
    {
        var command = new Command("presr", "Trains the pre-SR network; a run that was stopped goes on where it was.");
        var recipe = new Option<FileInfo>("--recipe")
        {
            HelpName = "file",
            Description = "Recipe (JSON) of a new run. A run that exists keeps its own.",
        };
        var data = new Option<DirectoryInfo>("--data")
        {
            HelpName = "folder",
            Description = "Data set: index.jsonl and photos/.",
            Required = true,
        };
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
        foreach (Option option in new Option[] { recipe, data, run, init, limit })
            command.Add(option);
        help.Examples(
            command,
            ("coser train presr --recipe r.json --data photos/ --run /tmp/run --for 2h", ""),
            ("coser train presr --data photos/ --run /tmp/run", "go on")
        );
        command.SetAction(parsed =>
            Train(
                host,
                parsed.GetValue(recipe)?.FullName,
                parsed.GetRequiredValue(data).FullName,
                parsed.GetRequiredValue(run).FullName,
                parsed.GetValue(init)?.FullName,
                ParseTime(parsed.GetValue(limit))
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
        var output = new Option<DirectoryInfo>("--output", "-o")
        {
            HelpName = "folder",
            Description = "Model directory; its other components stay as they are.",
            Required = true,
        };
        command.Add(run);
        command.Add(output);
        command.SetAction(parsed =>
            Export(host, parsed.GetRequiredValue(run).FullName, parsed.GetRequiredValue(output).FullName)
        );
        return command;
    }

    private static int Train(
        CliHost host,
        string? recipePath,
        string dataFolder,
        string runFolder,
        string? initial,
        TimeSpan? limit
    )
    {
        NativeEngine.EnsureLoaded();
        string own = Path.Combine(runFolder, PreSrRecipe.FileName);
        if (recipePath is null && !File.Exists(own))
            throw new UsageException($"{runFolder} holds no run yet: name a recipe with --recipe.");
        if (initial is not null && File.Exists(own))
            throw new UsageException($"{runFolder} holds a run already: --init is for a new one.");
        PreSrRecipe recipe = PreSrRecipe.Read(File.Exists(own) ? own : recipePath!);
        PhotoIndex data = PhotoIndex.Open(dataFolder);
        var folder = new RunFolder(runFolder);
        folder.WriteText(PreSrRecipe.FileName, recipe.ToJson());
        using var stage = new PreSrStage(recipe, data);
        using SafetensorsFile? weights = initial is null ? null : SafetensorsFile.Open(initial);
        using var run = new TrainingRun(stage, recipe.Training, folder, weights);
        host.Out.WriteLine(
            $"{runFolder}: step {run.Step} of {recipe.Training.Steps}, {data.Split("train").Count} photos"
        );
        run.Train(limit, new Lines(host.Out), host.Cancel);
        host.Out.WriteLine($"{runFolder}: stopped at step {run.Step} after {run.Seconds / 60:f1} minutes in all");
        return host.Cancel.IsCancellationRequested ? ExitCode.Cancelled : ExitCode.Success;
    }

    private static int Export(CliHost host, string runFolder, string modelFolder)
    {
        NativeEngine.EnsureLoaded();
        PreSrRecipe recipe = PreSrRecipe.Read(Path.Combine(runFolder, PreSrRecipe.FileName));
        if (RunFolder.CheckpointsOf(runFolder) is not [.., var checkpoint])
            throw new InvalidDataException($"{runFolder}: it holds no finished checkpoint yet.");
        CheckpointState state = RunFolder.ReadState(checkpoint);
        using SafetensorsFile average = SafetensorsFile.Open(Path.Combine(checkpoint, TrainingRun.AverageName));
        JsonElement provenance = JsonSerializer.SerializeToElement(
            new
            {
                recipe = JsonSerializer.SerializeToElement(recipe, CoserJson.Strict),
                steps = state.Step,
                hours = Math.Round(state.Seconds / 3600, 2),
                code = BuildInfo.Full,
            },
            CoserJson.Strict
        );
        PreSrStage.Export(recipe, average.Entries.Keys.ToDictionary(k => k, average.Read), modelFolder, provenance);
        host.Out.WriteLine($"{modelFolder}: presr of step {state.Step}");
        return ExitCode.Success;
    }

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
