using System.CommandLine;
using Coser.Cli.Help;
using Coser.Cli.Reports;
using Coser.Cli.Working;
using Coser.Jobs;
using Coser.Jobs.Model;
using Spectre.Console;

namespace Coser.Cli.Commands;

/// <summary><c>coser batch status</c></summary>
internal static class BatchStatusCommand
{
    // More troubles than that are for --json.
    private const int Shown = 20;
    private static readonly JobState[] Troubles = [JobState.Failed, JobState.Quarantined];

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "status",
            "Shows how batches stand; of one batch also what runs and what failed, and why."
        );
        var place = new JobPlace();
        Argument<string?> batch = new("batch")
        {
            Description = "A batch's name, or the beginning of it.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> json = Choice.Json("Print JSON.");
        command.Add(batch);
        place.AddTo(command, help);
        command.Add(json);
        command.SetAction(
            async (parsed, _) =>
            {
                await using JobLedger queue = await place.OpenQueueAsync(host, parsed);
                bool asJson = parsed.GetValue(json);
                if (parsed.GetValue(batch) is { } name)
                {
                    Batch found = await BatchCommand.FindAsync(queue, name, host);
                    await OneAsync(host, queue, found, asJson);
                }
                else
                {
                    await AllAsync(host, queue, asJson);
                }
                return ExitCode.Success;
            }
        );
        return command;
    }

    private static async Task AllAsync(CliHost host, JobLedger queue, bool json)
    {
        var rows = new List<(Batch Batch, JobCounts Counts)>();
        foreach (Batch batch in await queue.Batches.ListAsync(cancel: host.Cancel))
            rows.Add((batch, await CountAsync(host, queue, batch)));
        if (json)
        {
            host.Out.WriteLine(CliJson.Document(rows.Select(r => Document(r.Batch, r.Counts))));
            return;
        }
        if (rows.Count == 0)
            host.Out.WriteLine($"There is no batch in {queue.Shown}.");
        Table table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumns("Batch", "Name", "Photos", "Done", "Running", "Waiting", "Failed", "State");
        foreach ((Batch batch, JobCounts counts) in rows)
        {
            string[] cells =
            [
                batch.Id[..8],
                batch.Name,
                Text(counts.Total),
                Text(counts[JobState.Done]),
                Text(counts[JobState.Running]),
                Text(counts[JobState.Queued] + counts[JobState.Paused]),
                Text(Troubles.Sum(s => counts[s])),
                State(batch, counts),
            ];
            if (host.IsLive)
                table.AddRow([.. cells.Select(Markup.Escape)]);
            else
                host.Out.WriteLine(string.Join("  ", cells));
        }
        if (host.IsLive && rows.Count > 0)
            host.Console.Write(table);
        foreach (WorkerInfo worker in await queue.Workers.ListAsync(host.Cancel))
            host.Out.WriteLine(
                $"worker  {worker.Name}  {worker.Device}  {(worker.Job is { } job ? "job " + job[..8] : "idle")}"
            );
    }

    private static async Task OneAsync(CliHost host, JobLedger queue, Batch batch, bool json)
    {
        JobCounts counts = await CountAsync(host, queue, batch);
        Task<IReadOnlyList<Job>> List(params JobState[] states) =>
            queue.ListAsync(
                new JobFilter
                {
                    Batch = batch.Id,
                    States = states,
                    Limit = json ? int.MaxValue : Shown,
                },
                host.Cancel
            );
        IReadOnlyList<Job> running = await List(JobState.Running);
        IReadOnlyList<Job> troubles = await List(Troubles);
        if (json)
        {
            host.Out.WriteLine(
                CliJson.Document(
                    new
                    {
                        batch = Document(batch, counts),
                        running = running.Select(j => new
                        {
                            j.Id,
                            j.Request.Name,
                            j.Worker,
                            j.Progress,
                            j.Attempts,
                        }),
                        failed = troubles.Select(j => new
                        {
                            j.Id,
                            j.Request.Name,
                            state = Lower(j.State),
                            j.Reason,
                            j.Attempts,
                            j.Losses,
                        }),
                    }
                )
            );
            return;
        }
        host.Out.WriteLine($"batch {batch.Id} ({batch.Name}), {State(batch, counts)}");
        foreach (JobState state in Enum.GetValues<JobState>().Where(s => counts[s] > 0))
            Line(host, Colour(state), $"{Lower(state), -12}{Text(counts[state])}");
        foreach (Job job in running)
            host.Out.WriteLine(
                $"  {job.Request.Name}  {job.Worker}  {job.Progress.Stage} {job.Progress.Step}/{job.Progress.Steps}"
                    + (job.Progress.SecondsLeft is { } left ? $", {Lines.Seconds(left)} left" : "")
            );
        foreach (Job job in troubles)
            Line(host, Colour(job.State), $"  {job.Request.Name}: {Lower(job.State)}: {job.Reason}");
        long more = Troubles.Sum(s => counts[s]) - troubles.Count;
        if (more > 0)
            host.Out.WriteLine($"  and {more} more: --json lists all");
    }

    private static Task<JobCounts> CountAsync(CliHost host, JobLedger queue, Batch batch) =>
        queue.CountAsync(new JobFilter { Batch = batch.Id }, host.Cancel);

    private static void Line(CliHost host, string? colour, string text)
    {
        if (host.IsLive && colour is not null)
            host.Console.MarkupLine($"[{colour}]{Markup.Escape(text)}[/]");
        else
            host.Out.WriteLine(text);
    }

    private static string? Colour(JobState state) =>
        state switch
        {
            JobState.Done => "green",
            JobState.Failed or JobState.Quarantined => "red",
            JobState.Paused => "yellow",
            _ => null,
        };

    private static string State(Batch batch, JobCounts counts) =>
        batch.IsPaused ? "paused"
        : !batch.IsComplete ? "being submitted"
        : counts.Open > 0 ? "open"
        : "ended";

    private static object Document(Batch batch, JobCounts counts) =>
        new
        {
            batch.Id,
            batch.Name,
            batch.Owner,
            batch.Created,
            state = State(batch, counts),
            photos = counts.Total,
            states = counts.ByState.ToDictionary(s => Lower(s.Key), s => s.Value),
        };

    private static string Lower(JobState state) => state.ToString().ToLowerInvariant();

    private static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
