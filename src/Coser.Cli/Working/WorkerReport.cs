using System.Text.Json;
using System.Text.Json.Nodes;
using Coser.Cli.Reports;
using Coser.Jobs.Model;
using Coser.Jobs.Work;
using Spectre.Console;

namespace Coser.Cli.Working;

/// <summary>What a worker says of its work: a line a piece of news, or JSON.</summary>
internal sealed class WorkerReport(CliHost host, bool json)
{
    private int _done;
    private int _failed;

    public void Begin(OpenJobs jobs, WorkerOptions options)
    {
        if (json)
            Json(
                "start",
                new
                {
                    worker = options.Name,
                    database = jobs.Address.Shown,
                    options.Queues,
                    options.Models,
                }
            );
        else
            host.Out.WriteLine(
                $"{options.Name}: jobs of {jobs.Address.Shown} for {string.Join(", ", options.Queues)}, models "
                    + string.Join(", ", options.Models ?? ["all"])
            );
    }

    public void Tell(WorkerEvent news)
    {
        if (news.Kind == WorkerEventKind.Done)
            _done++;
        if (news.Kind == WorkerEventKind.Failed)
            _failed++;
        if (json)
        {
            Json(
                news.Kind.ToString().ToLowerInvariant(),
                new
                {
                    job = news.Job?.Id,
                    name = news.Job?.Request.Name,
                    reason = news.Reason,
                    seconds = news.Outcome?.Seconds,
                    result = news.Outcome?.Result?.Hash,
                }
            );
            return;
        }
        if (news.Kind is WorkerEventKind.Trouble or WorkerEventKind.Failed)
        {
            host.Complain(news.Job is { } job ? $"{job.Request.Name}: {news.Reason}" : news.Reason!);
            return;
        }
        string name = news.Job!.Request.Name;
        string line = news.Kind switch
        {
            WorkerEventKind.Started => $"{name} begun",
            WorkerEventKind.Done when news.Outcome is { } o =>
                $"{name} done  {o.Width}x{o.Height}  {Lines.Seconds(o.Seconds)}",
            WorkerEventKind.Released => $"{name} given back",
            _ => $"{name} is another worker's by now",
        };
        if (host.IsLive)
            host.Console.MarkupLine(
                news.Kind == WorkerEventKind.Done ? $"[green]{Markup.Escape(line)}[/]" : Markup.Escape(line)
            );
        else
            host.Out.WriteLine(line);
        host.Out.Flush();
    }

    public int End()
    {
        if (json)
            Json("summary", new { done = _done, failed = _failed });
        else
            host.Out.WriteLine($"{_done} done, {_failed} failed attempts");
        return _failed > 0 ? ExitCode.Failed : ExitCode.Success;
    }

    private void Json(string kind, object facts)
    {
        JsonObject line = JsonSerializer.SerializeToNode(facts, JobsJson.Options)!.AsObject();
        line.Insert(0, "event", kind);
        host.Out.WriteLine(line.ToJsonString(JobsJson.Options));
        host.Out.Flush();
    }
}
