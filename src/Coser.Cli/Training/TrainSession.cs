using Coser.Checkpoints;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Training.Data;
using Coser.Training.Runs;

namespace Coser.Cli.Training;

/// <summary>What <c>coser train STAGE</c> was asked for.</summary>
internal sealed record TrainRequest
{
    public required IStageKind Stage { get; init; }

    public required string Run { get; init; }

    public string? Recipe { get; init; }

    public string? Data { get; init; }

    /// <summary>Weights a new run starts from.</summary>
    public string? Initial { get; init; }

    /// <summary>There must be a run to go on with.</summary>
    public bool Resume { get; init; }

    public TimeSpan? Limit { get; init; }

    public DeviceChoice Device { get; init; }
}

/// <summary>One process's part of a run.</summary>
internal static class TrainSession
{
    public static int Train(CliHost host, TrainRequest request)
    {
        string folder = request.Run;
        string own = Path.Combine(folder, TrainingRecipe.FileName);
        Check(request, File.Exists(own));
        RunInputs inputs = Inputs(request, RunInputs.Read(folder));
        TrainingRecipe recipe = request.Stage.ReadRecipe(File.Exists(own) ? own : request.Recipe!);
        PhotoIndex data = PhotoIndex.Open(inputs.Data);
        using RunLock held = RunLock.Take(folder);
        Compute compute = Compute.Choose(request.Device, recipe.Training.Precision);
        NativeHeap.KeepFreed();
        using ITrainingStage stage = request.Stage.Create(recipe, data, compute);
        var run = new RunFolder(folder);
        // The recipe last: a folder is a run once it has one.
        inputs.Write(run);
        run.WriteText(TrainingRecipe.FileName, recipe.ToJson());
        using SafetensorsFile? initial =
            inputs.Initial is { } weights && run.Checkpoints().Count == 0 ? SafetensorsFile.Open(weights) : null;
        using var training = new TrainingRun(stage, recipe.Training, run, initial);
        host.Out.WriteLine(
            $"{folder}: step {training.Step} of {recipe.Training.Steps}, {data.Split("train").Count} photos"
        );
        ITrainReport report = host.IsLive ? new LiveTrainReport(host) : new PlainTrainReport(host.Out);
        report.Around(() => training.Train(request.Limit, report, host.Cancel, report));
        host.Out.WriteLine(
            $"{folder}: stopped at step {training.Step} after {training.Seconds / 60:f1} minutes in all"
        );
        return host.Cancel.IsCancellationRequested ? ExitCode.Cancelled : ExitCode.Success;
    }

    private static void Check(TrainRequest request, bool exists)
    {
        if (request.Resume && !exists)
            throw new UsageException($"{request.Run} holds no run to resume: check --run, or leave --resume out.");
        if (request.Resume && request.Recipe is not null)
            throw new UsageException("--resume goes on with the run's own recipe: leave --recipe out.");
        if (request.Recipe is null && !exists)
            throw new UsageException($"{request.Run} holds no run yet: name a recipe with --recipe.");
        if (request.Initial is not null && exists)
            throw new UsageException($"{request.Run} holds a run already: --init is for a new one.");
    }

    private static RunInputs Inputs(TrainRequest request, RunInputs? before)
    {
        if (before is not null && before.Stage != request.Stage.Name)
            throw new UsageException(
                $"{request.Run} is a run of 'coser train {before.Stage}', not of '{request.Stage.Name}'."
            );
        string data = request.Data ?? before?.Data ?? throw new UsageException("name the data set with --data.");
        RunInputs inputs = before ?? new RunInputs { Stage = request.Stage.Name, Data = data };
        return (inputs with { Data = data, Initial = request.Initial ?? inputs.Initial }).By(BuildInfo.Full);
    }
}
