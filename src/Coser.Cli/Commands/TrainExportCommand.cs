using System.CommandLine;
using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Engine;
using Coser.Training;
using Coser.Training.Data;
using Coser.Training.Runs;

namespace Coser.Cli.Commands;

/// <summary><c>coser train export</c></summary>
internal static class TrainExportCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "export",
            "Writes the averaged weights of a run's newest checkpoint, or its best ones, as a model, 16-bit."
        );
        Option<DirectoryInfo> run = TrainCommand.Run();
        Option<DirectoryInfo> data = TrainCommand.Data("The run's data set, where it has moved.");
        var best = new Option<bool>("--best") { Description = "The best weights by the recipe's best_metric." };
        var output = new Option<DirectoryInfo>("--output", "-o")
        {
            HelpName = "folder",
            Description = "Model directory; its other components stay as they are.",
            Required = true,
        };
        foreach (Option option in new Option[] { run, data, best, output })
            command.Add(option);
        help.Examples(command, ("coser train export --run /tmp/run -o models/mine", ""));
        command.SetAction(parsed =>
            Export(
                host,
                parsed.GetRequiredValue(run).FullName,
                parsed.GetValue(data)?.FullName,
                parsed.GetValue(best),
                parsed.GetRequiredValue(output).FullName
            )
        );
        return command;
    }

    private static int Export(CliHost host, string runFolder, string? dataFolder, bool best, string modelFolder)
    {
        RunInputs inputs =
            RunInputs.Read(runFolder) ?? throw new InvalidDataException($"{runFolder}: it holds no run.");
        string checkpoint = best ? Best(runFolder) : Newest(runFolder);
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

    private static string Newest(string runFolder) =>
        RunFolder.CheckpointsOf(runFolder) is [.., var newest]
            ? newest
            : throw new InvalidDataException($"{runFolder}: it holds no finished checkpoint yet.");

    private static string Best(string runFolder) =>
        RunFolder.ReadBest(runFolder) is not null
            ? Path.Combine(runFolder, RunFolder.BestName)
            : throw new InvalidDataException(
                $"{runFolder}: it keeps no best weights. Name a best_metric in the recipe's training, or leave --best out."
            );
}
