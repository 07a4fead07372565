using System.Diagnostics;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Training;
using Coser.Training.Plans;
using Coser.Training.Runs;

namespace Coser.Cli.Training;

/// <summary>What <c>coser train all</c> was asked for.</summary>
internal sealed record PlanRequest
{
    public required string Plan { get; init; }

    public required string Data { get; init; }

    public required string Work { get; init; }

    /// <summary>This step and all later ones are done again.</summary>
    public string? From { get; init; }

    public TimeSpan? Limit { get; init; }

    public DeviceChoice Device { get; init; }
}

/// <summary>Works on a plan, step after step, until it is done, stopped, or out of time.</summary>
internal sealed class PlanSession(CliHost host, PlanRequest request)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TrainingPlan _plan = TrainingPlan.Read(request.Plan);
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(request.Plan))!;

    private string Model => Path.Combine(request.Work, _plan.Model);

    public int Run()
    {
        Directory.CreateDirectory(Path.Combine(request.Work, "recipes"));
        using RunLock held = RunLock.Take(request.Work);
        PlanState state = PlanState.Open(request.Work);
        Forget(state);
        Begin();
        foreach ((int i, PlanStep step) in _plan.Steps.Index())
        {
            string? recipe = step.Recipe is null
                ? null
                : _plan.Resolve(Path.Combine(_folder, step.Recipe), request.Work);
            string digest = TrainingPlan.Digest(step, recipe);
            string title = $"{i + 1}/{_plan.Steps.Count} {step.Name}";
            if (state.Find(step.Name) is { } done)
            {
                if (done.Digest != digest)
                    throw new InvalidDataException(
                        $"{request.Plan}: step '{step.Name}' is no longer the one that was done in {request.Work}. "
                            + $"Do it and what follows again with --from {step.Name}, or name another work folder."
                    );
                host.Out.WriteLine($"{title}: done");
                continue;
            }
            if (request.Limit is { } limit && _clock.Elapsed >= limit)
            {
                host.Out.WriteLine($"{title}: left for the next time");
                return ExitCode.Success;
            }
            host.Out.WriteLine(title);
            int code = step.Command is null ? Train(step, recipe!) : Command(step.Command);
            if (code != ExitCode.Success)
                return code;
            if (step.Command is null && !IsFinished(step))
                return ExitCode.Success;
            state.Add(step.Name, new DoneStep(digest, host.Clock.GetUtcNow()));
        }
        host.Out.WriteLine($"{Model}: all steps are done");
        return ExitCode.Success;
    }

    private void Forget(PlanState state)
    {
        if (request.From is not { } first)
            return;
        PlanStep[] again = [.. _plan.Steps.SkipWhile(s => s.Name != first)];
        if (again.Length == 0)
            throw new InvalidDataException($"{request.Plan}: it has no step '{first}'.");
        state.Forget(again.Select(s => s.Name));
        foreach (string run in again.Select(s => RunOf(s.Name)).Where(Directory.Exists))
            Directory.Delete(run, recursive: true);
        // A set of latents that an earlier step made stays: its parts are made anew where their model has changed.
        IEnumerable<string> earlier = _plan.Steps.TakeWhile(s => s.Name != first).SelectMany(s => s.Outputs);
        foreach (string output in again.SelectMany(s => s.Outputs).Except(earlier, StringComparer.Ordinal))
        {
            string path = Path.Combine(request.Work, output);
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            else
                File.Delete(path);
        }
    }

    private void Begin()
    {
        string manifest = Path.Combine(Model, ModelDirectory.ManifestName);
        if (_plan.Manifest is null || File.Exists(manifest))
            return;
        Directory.CreateDirectory(Model);
        File.Copy(Path.Combine(_folder, _plan.Manifest), manifest);
    }

    private int Train(PlanStep step, string recipe)
    {
        string run = RunOf(step.Name);
        string file = Path.Combine(request.Work, "recipes", step.Name + ".json");
        File.WriteAllText(file, recipe);
        bool begun = File.Exists(Path.Combine(run, TrainingRecipe.FileName));
        int code = TrainSession.Train(
            host,
            new TrainRequest
            {
                Stage = TrainingStages.Find(step.Stage!),
                Run = run,
                Recipe = begun ? null : file,
                Data = request.Data,
                Initial = begun || step.Init is null ? null : Path.Combine(Model, step.Init + ".safetensors"),
                Limit = request.Limit is { } limit ? Later(limit - _clock.Elapsed) : null,
                Device = request.Device,
            }
        );
        if (code != ExitCode.Success || !IsFinished(step))
            return code;
        string into = step.Into is null ? Model : Path.Combine(request.Work, step.Into);
        return Command([
            "train",
            "export",
            "--run",
            run,
            "-o",
            into,
            .. step.Best ? ["--best"] : Array.Empty<string>(),
        ]);
    }

    private int Command(IReadOnlyList<string> arguments) =>
        CommandLine.Run(
            [
                .. arguments.Select(a =>
                    a.Replace("{data}", request.Data, StringComparison.Ordinal)
                        .Replace("{work}", request.Work, StringComparison.Ordinal)
                        .Replace("{model}", Model, StringComparison.Ordinal)
                        .Replace("{plan}", _folder, StringComparison.Ordinal)
                        .Replace("{device}", request.Device.ToString().ToLowerInvariant(), StringComparison.Ordinal)
                ),
            ],
            host
        );

    private bool IsFinished(PlanStep step) =>
        RunStatus.Read(RunOf(step.Name), host.Clock.GetUtcNow()).State == RunState.Finished;

    private string RunOf(string step) => Path.Combine(request.Work, "runs", step);

    private static TimeSpan Later(TimeSpan left) => left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1);
}
