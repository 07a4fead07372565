using System.Diagnostics;
using Coser.Jobs.Files;
using Coser.Jobs.Model;

namespace Coser.Jobs.Work;

/// <summary>One attempt at one job: feeds the child, keeps the lease, brings the result in.</summary>
internal sealed class JobRun(
    JobLeases leases,
    ContentStore store,
    WorkerOptions options,
    JobLease lease,
    Func<ChildProcess> start
)
{
    private readonly string _folder = store.NewWorkFolder();
    private readonly Stopwatch _total = Stopwatch.StartNew();
    private readonly Stopwatch _sinceStep = Stopwatch.StartNew();
    private readonly StageEstimate _estimate = new();
    private JobProgress? _news;
    private bool _stopping;

    /// <summary>False: the child has ended, or nobody knows what it is doing.</summary>
    public bool ChildIsUsable { get; private set; }

    private Job Job => lease.Job;

    /// <summary>Never throws for the job's sake.</summary>
    /// <exception cref="JobsException">The database cannot be reached, or no process started; the lease will run out.</exception>
    public async Task<WorkerEvent> RunAsync(CancellationToken stop)
    {
        try
        {
            if (Job.Request.InputHash is { } hash && !store.Contains(hash))
            {
                ChildIsUsable = true;
                return await FailAsync("its input is not in the folder store. Submit it again.", true);
            }
            ChildProcess child = start();
            await child.SendAsync(JobsJson.Write(Request()));
            return await FollowAsync(child, stop);
        }
        finally
        {
            CleanUp();
        }
    }

    private ChildRequest Request() =>
        new()
        {
            Name = Job.Request.Name,
            Input = Job.Request.InputPath ?? store.PathOf(Job.Request.InputHash!),
            Reference = Job.Request.ReferenceHash is { } reference ? store.PathOf(reference) : null,
            Options = Job.Request.Options,
            Device = options.Device,
            Threads = options.Threads,
            Folder = _folder,
            StateFolder = store.StateFolder(Job.Id),
            SaveSeconds = options.Save.TotalSeconds,
            Preview = store.PreviewPath(Job.Id),
        };

    private async Task<WorkerEvent> FollowAsync(ChildProcess child, CancellationToken stop)
    {
        var sinceReport = Stopwatch.StartNew();
        var sinceAnswer = Stopwatch.StartNew();
        Stopwatch? sinceStop = null;
        Task<bool>? next = null;
        while (true)
        {
            next ??= child.Messages.WaitToReadAsync(CancellationToken.None).AsTask();
            TimeSpan untilReport = options.Report - sinceReport.Elapsed;
            if (untilReport > TimeSpan.Zero && !next.IsCompleted)
                await Task.WhenAny(next, Task.Delay(untilReport, _stopping ? default : stop));
            if (next.IsCompleted)
            {
                if (!await next)
                    return await EndedAsync(child);
                next = null;
                while (child.Messages.TryRead(out ChildMessage? message))
                {
                    if (await HeardAsync(message) is { } end)
                    {
                        ChildIsUsable = true;
                        return end;
                    }
                }
            }
            if (stop.IsCancellationRequested)
                await StopAsync(child);
            if (sinceReport.Elapsed >= options.Report)
            {
                LeaseAnswer? answer = await ReportAsync();
                sinceReport.Restart();
                if (answer is not null)
                    sinceAnswer.Restart();
                // Unheard of for a lease's length: others have it by now.
                if (answer == LeaseAnswer.Lost || sinceAnswer.Elapsed > leases.Options.Length)
                    return Lost(child);
                if (answer is LeaseAnswer.Cancel or LeaseAnswer.Pause)
                    await StopAsync(child);
            }
            if (_stopping && (sinceStop ??= Stopwatch.StartNew()).Elapsed > options.StopGrace)
            {
                child.Kill();
                return await ReleaseAsync();
            }
            if (_sinceStep.Elapsed > options.Stall)
            {
                child.Kill();
                return await FailAsync(
                    $"no step was made for {options.Stall.TotalSeconds:0} s, and it was ended",
                    false
                );
            }
        }
    }

    private async Task<WorkerEvent?> HeardAsync(ChildMessage message)
    {
        switch (message.Kind)
        {
            case ChildMessageKind.Progress when message.Progress is { } progress:
                _sinceStep.Restart();
                _news = progress with { SecondsLeft = _estimate.SecondsLeft(progress) };
                return null;
            case ChildMessageKind.Done when message.Outcome is { } outcome:
                return await BringInAsync(outcome);
            case ChildMessageKind.Failed:
                return await FailAsync(message.Reason ?? "it gave no reason", message.ForGood);
            case ChildMessageKind.Stopped:
                return await ReleaseAsync();
            default:
                return null;
        }
    }

    // First the files, whole, then the word that they are there. A worker that dies in between leaves only files that
    // nobody knows of.
    private async Task<WorkerEvent> BringInAsync(JobOutcome outcome)
    {
        var files = new List<JobFile>();
        foreach (JobFile file in outcome.Files)
        {
            string path = Path.Combine(_folder, Path.GetFileName(file.Name));
            StoredFile stored = await store.PutFileAsync(path);
            files.Add(
                new JobFile(
                    file.Role,
                    stored.Hash,
                    ResultNames.For(Job.Request.Name, outcome.Scale, file),
                    stored.Bytes
                )
            );
            File.Delete(path);
        }
        outcome = outcome with { Files = files, Seconds = Math.Round(_total.Elapsed.TotalSeconds, 3) };
        switch (await leases.ReportAsync(lease))
        {
            case LeaseAnswer.Lost:
                return new WorkerEvent(WorkerEventKind.Lost, Job);
            case LeaseAnswer.Cancel:
                return await ReleaseAsync();
        }
        if (Job.Request.OutputPath is { } output)
        {
            try
            {
                store.Export(outcome.Result!.Hash, output);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return await FailAsync($"{output}: it cannot be written ({e.Message})", false);
            }
        }
        return await leases.CompleteAsync(lease, outcome)
            ? new WorkerEvent(WorkerEventKind.Done, Job, Outcome: outcome)
            : new WorkerEvent(WorkerEventKind.Lost, Job);
    }

    private async Task<WorkerEvent> EndedAsync(ChildProcess child)
    {
        string how = await child.EndAsync();
        return _stopping ? await ReleaseAsync() : await FailAsync(how, false);
    }

    private async Task StopAsync(ChildProcess child)
    {
        if (_stopping)
            return;
        _stopping = true;
        await child.SendAsync(ChildRequest.Stop);
    }

    // Null when the database did not answer: the job goes on as long as the lease can be ours.
    private async Task<LeaseAnswer?> ReportAsync()
    {
        JobProgress? news = _news;
        try
        {
            LeaseAnswer answer = await leases.ReportAsync(lease, news);
            if (ReferenceEquals(news, _news))
                _news = null;
            return answer;
        }
        catch (JobsException)
        {
            return null;
        }
    }

    // A child that nobody waited for may still be writing: what stays goes with the next collection.
    private void CleanUp()
    {
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    private WorkerEvent Lost(ChildProcess child)
    {
        child.Kill();
        return new WorkerEvent(WorkerEventKind.Lost, Job);
    }

    private async Task<WorkerEvent> FailAsync(string reason, bool forGood) =>
        await leases.FailAsync(lease, reason, forGood)
            ? new WorkerEvent(WorkerEventKind.Failed, Job, reason)
            : new WorkerEvent(WorkerEventKind.Lost, Job);

    private async Task<WorkerEvent> ReleaseAsync() =>
        await leases.ReleaseAsync(lease)
            ? new WorkerEvent(WorkerEventKind.Released, Job)
            : new WorkerEvent(WorkerEventKind.Lost, Job);
}

/// <summary>Judges the time a stage still takes by the steps it has made.</summary>
internal sealed class StageEstimate
{
    private string _stage = "";
    private int _from;
    private long _since;

    public double? SecondsLeft(JobProgress progress)
    {
        if (progress.Stage != _stage || progress.Step < _from)
        {
            (_stage, _from, _since) = (progress.Stage, progress.Step, Stopwatch.GetTimestamp());
            return null;
        }
        int made = progress.Step - _from;
        return made == 0
            ? null
            : Math.Round(Stopwatch.GetElapsedTime(_since).TotalSeconds / made * (progress.Steps - progress.Step), 1);
    }
}
