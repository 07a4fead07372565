using System.CommandLine;
using Coser.Cli.Help;
using Coser.Cli.Models;
using Coser.Cli.Reports;
using Coser.Cli.Upscaling;
using Coser.Cli.Working;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;

namespace Coser.Cli.Commands;

/// <summary><c>coser batch</c></summary>
internal static class BatchCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("batch", "Hands in, watches and steers many photos that workers restore.");
        command.Add(BatchSubmitCommand.Create(host, help));
        command.Add(BatchStatusCommand.Create(host, help));
        command.Add(
            Change(
                host,
                help,
                "retry",
                "Tries failed and quarantined photos anew; with --cancelled those taken back, too.",
                "tried anew",
                [Flag("--cancelled", "Also those that were cancelled.")],
                (queue, filter, flag) =>
                    queue.RetryAsync(
                        filter with
                        {
                            States = flag
                                ? [JobState.Failed, JobState.Quarantined, JobState.Cancelled]
                                : [JobState.Failed, JobState.Quarantined],
                        },
                        host.Cancel
                    )
            )
        );
        command.Add(
            Change(
                host,
                help,
                "cancel",
                "Takes back what is not done: waiting photos at once, running ones within seconds.",
                "cancelled",
                [],
                (queue, filter, _) => queue.CancelAsync(filter, host.Cancel)
            )
        );
        command.Add(
            Change(
                host,
                help,
                "pause",
                "Holds waiting photos back; running ones are finished, unless --now is given.",
                "paused",
                [Flag("--now", "Also stop running ones; they keep what is done, and go on from there.")],
                (queue, filter, now) => queue.PauseAsync(filter, now, host.Cancel)
            )
        );
        command.Add(
            Change(
                host,
                help,
                "resume",
                "Lets paused photos go on.",
                "resumed",
                [],
                (queue, filter, _) => queue.ResumeAsync(filter, host.Cancel)
            )
        );
        command.Add(Clean(host, help));
        help.Examples(
            command,
            ("coser batch submit photos/ -o large/", "hands in a folder"),
            ("coser batch status", "all batches"),
            ("coser batch retry 3f2a…", "failed photos of a batch")
        );
        command.SetAction(_ => CommandLine.ShowHelp(command, help, host));
        return command;
    }

    private static Command Change(
        CliHost host,
        HelpPages help,
        string name,
        string description,
        string participle,
        Option<bool>[] flags,
        Func<JobLedger, JobFilter, bool, Task<int>> change
    )
    {
        var command = new Command(name, description);
        var place = new JobPlace();
        Argument<string> batch = BatchArgument();
        Option<bool> json = Choice.Json("Print JSON.");
        command.Add(batch);
        place.AddTo(command, help);
        foreach (Option<bool> flag in flags)
            command.Add(flag);
        command.Add(json);
        command.SetAction(
            async (parsed, _) =>
            {
                await using JobLedger queue = await place.OpenQueueAsync(host, parsed);
                Batch found = await FindAsync(queue, parsed.GetRequiredValue(batch), host);
                bool flag = flags.Length > 0 && parsed.GetValue(flags[0]);
                int changed = await change(queue, new JobFilter { Batch = found.Id }, flag);
                host.Out.WriteLine(
                    parsed.GetValue(json)
                        ? CliJson.Line(new { batch = found.Id, changed })
                        : $"batch {found.Id}: {changed} {participle}"
                );
                return ExitCode.Success;
            }
        );
        return command;
    }

    private static Command Clean(CliHost host, HelpPages help)
    {
        var command = new Command("clean", "Removes files of the store that no job needs, and leftovers of crashes.");
        var place = new JobPlace();
        Option<double?> hours = Choice.Number<double>(
            "--older-than",
            "Leave younger files alone.",
            h => h >= 0,
            "be 0 or more"
        );
        hours.HelpName = "hours";
        Option<bool> json = Choice.Json("Print JSON.");
        place.AddTo(command, help);
        command.Add(hours);
        command.Add(json);
        help.Default(hours, "24");
        command.SetAction(
            async (parsed, _) =>
            {
                await using OpenJobs jobs = await place.OpenAsync(host, parsed);
                TimeSpan? grace = parsed.GetValue(hours) is { } h ? TimeSpan.FromHours(h) : null;
                Collected gone = await new FileCollector(jobs.Queue, jobs.Store, grace).CollectAsync(host.Cancel);
                host.Out.WriteLine(
                    parsed.GetValue(json)
                        ? CliJson.Line(gone)
                        : $"{gone.Files} files removed, {Sizes.Bytes(gone.Bytes)}"
                );
                return ExitCode.Success;
            }
        );
        return command;
    }

    public static Argument<string> BatchArgument() =>
        new("batch") { Description = "A batch's name, or the beginning of it ('coser batch status')." };

    /// <exception cref="UsageException">There is none, or several begin like that.</exception>
    public static async Task<Batch> FindAsync(JobLedger queue, string start, CliHost host)
    {
        if (await queue.Batches.FindAsync(start, host.Cancel) is { } batch)
            return batch;
        IReadOnlyList<Batch> all = await queue.Batches.ListAsync(cancel: host.Cancel);
        Batch[] fitting = [.. all.Where(b => b.Id.StartsWith(start, StringComparison.Ordinal))];
        return fitting switch
        {
            [var one] => one,
            [] => throw new UsageException(
                $"There is no batch '{start}' in {queue.Shown}. 'coser batch status' lists them."
            ),
            _ => throw new UsageException($"{fitting.Length} batches begin with '{start}'. Write more of the name."),
        };
    }

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };
}
