using System.CommandLine;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Cli.Reports;
using Coser.Cli.Upscaling;
using Coser.Cli.Working;
using Coser.Engine;
using Coser.Jobs;
using Coser.Jobs.Dispatch;
using Coser.Jobs.Model;
using Coser.Jobs.Work;

namespace Coser.Cli.Commands;

/// <summary><c>coser worker</c></summary>
internal sealed class WorkerCommand
{
    private readonly JobPlace _place = new();
    private readonly Option<string[]> _queue = new("--queue")
    {
        Description = "A kind of job to take: cpu, cuda, or any (those that do not care). May be given several times.",
        HelpName = "cpu|cuda|any",
    };
    private readonly Option<string[]> _model = new("--model")
    {
        Description = "A model whose jobs are taken. May be given several times.",
        HelpName = "name",
    };
    private readonly Option<string> _name = new("--name")
    {
        Description = "What this worker is called in lists.",
        HelpName = "name",
    };
    private readonly Option<bool> _once = new("--once") { Description = "End when nothing is left to do." };
    private readonly Option<int?> _threads = RestoreSwitches.Threads();
    private readonly Option<double?> _stall = Choice.Number<double>(
        "--stall",
        "Seconds without a step after which a restoration hangs and is ended.",
        s => s > 0,
        "be above 0"
    );
    private readonly Option<double?> _lease = Choice.Number<double>(
        "--lease",
        "Seconds without a sign of life after which this worker's job goes to another, 2 to 50.",
        s => s is >= 2 and <= 50,
        "be from 2 to 50"
    );
    private readonly Option<bool> _json = Choice.Json("Report as JSON lines on standard output.");

    public static Command Create(CliHost host, HelpPages help)
    {
        var options = new WorkerCommand();
        var command = new Command(
            "worker",
            "Restores the photos of submitted jobs, one at a time, until it is stopped.\n\n"
                + "Start one a device, on as many machines as you like. Ctrl+C puts the running job away, and another worker goes "
                + "on with it; so does one when this machine dies."
        );
        options._place.AddTo(command, help);
        command.Add(options._queue);
        command.Add(options._model);
        command.Add(options._name);
        command.Add(options._once);
        command.Add(options._threads);
        command.Add(options._stall);
        command.Add(options._lease);
        command.Add(options._json);
        options._queue.CompletionSources.Add([.. JobQueues.All]);
        options._queue.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(t => !JobQueues.All.Contains(t.Value)) is { } wrong)
                result.AddError($"--queue must be cpu, cuda or any, not '{wrong.Value}'.");
        });
        (options._stall.HelpName, options._lease.HelpName) = ("seconds", "seconds");
        help.Default(options._queue, "this machine's device, and any");
        help.Default(options._model, "all that are found here");
        help.Default(options._name, "machine:process");
        help.Default(options._threads, "all cores");
        help.Default(options._stall, "900");
        help.Default(options._lease, "30");
        help.Examples(
            command,
            ("coser worker", "this user's jobs on this machine"),
            ("coser worker --database postgres://coser@db/coser --store /mnt/coser", "one of several machines"),
            ("coser worker --once", "until nothing is left")
        );
        var child = new Command("child", "The restoring process of a worker.") { Hidden = true };
        child.SetAction(_ =>
        {
            using var served = new ChildHost(host, host.In);
            return served.Run();
        });
        command.Add(child);
        command.SetAction((parsed, _) => options.RunAsync(host, parsed));
        return command;
    }

    private async Task<int> RunAsync(CliHost host, ParseResult parsed)
    {
        IReadOnlyList<string> queues = Queues(parsed);
        if (queues.Contains(JobQueues.Cuda))
            Compute.Choose(DeviceChoice.Cuda, Precision.Auto); // throws where there is none
        var leases = new LeaseOptions();
        if (parsed.GetValue(_lease) is { } seconds)
            leases = leases with { Length = TimeSpan.FromSeconds(seconds) };
        await using OpenJobs jobs = await _place.OpenAsync(host, parsed, leases);
        string[] models = parsed.GetValue(_model) is { Length: > 0 } given
            ? given
            : [.. ModelDirectory.Available().Select(f => Path.GetFileName(f))];
        var settings = new WorkerOptions
        {
            Child = host.Child,
            Queues = queues,
            Models = models,
            Threads = parsed.GetValue(_threads),
            Report = leases.Length / 6 < TimeSpan.FromSeconds(2) ? leases.Length / 6 : TimeSpan.FromSeconds(2),
        };
        if (parsed.GetValue(_name) is { } name)
            settings = settings with { Name = name };
        if (parsed.GetValue(_stall) is { } stall)
            settings = settings with { Stall = TimeSpan.FromSeconds(stall) };
        var report = new WorkerReport(host, parsed.GetValue(_json));
        await using WorkerPresence presence = WorkerPresence.Begin(jobs.Queue, settings);
        using var worker = new Worker(
            jobs.Queue,
            jobs.Store,
            settings,
            news =>
            {
                presence.Tell(news);
                report.Tell(news);
            }
        );
        report.Begin(jobs, settings);
        if (parsed.GetValue(_once))
        {
            await worker.RunUntilEmptyAsync(host.Cancel);
            return report.End();
        }
        await using (Dispatch(host, jobs, worker))
            await worker.RunAsync(host.Cancel);
        report.End();
        return ExitCode.Cancelled;
    }

    // Jobs are found without it, too.
    private static HangfireDispatch? Dispatch(CliHost host, OpenJobs jobs, Worker worker)
    {
        try
        {
            return new HangfireDispatch(jobs.Queue, HangfireDispatch.OpenStorage(jobs.Address), worker);
        }
        catch (JobsException e)
        {
            host.Complain($"shards are not dispatched: {FailureText.OneLine(e.Message)}", e);
            return null;
        }
    }

    private IReadOnlyList<string> Queues(ParseResult parsed) =>
        parsed.GetValue(_queue) is { Length: > 0 } given
            ? [.. given.Distinct()]
            : [ComputeNames.Resolve(DeviceChoice.Auto, Precision.Auto).Device, JobQueues.Any];
}
