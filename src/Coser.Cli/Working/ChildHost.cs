using System.Collections.Concurrent;
using System.Diagnostics;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Imaging;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Jobs.Work;
using Coser.Restoration;

namespace Coser.Cli.Working;

/// <summary>
/// The restoring process of a worker: takes requests from its input, one at a time, and answers in JSON lines. The networks
/// stay loaded from one job to the next.
/// </summary>
internal sealed class ChildHost(CliHost host, TextReader input) : IDisposable
{
    private readonly BlockingCollection<(ChildRequest Request, CancellationTokenSource Stop)> _requests = [];
    private readonly Lock _writing = new();
    private RestorerRequest? _opened;
    private IPhotoRestorer? _restorer;

    /// <summary>Serves until its input ends.</summary>
    public int Run()
    {
        var reader = new Thread(Read) { IsBackground = true, Name = "requests" };
        reader.Start();
        try
        {
            foreach (
                (ChildRequest request, CancellationTokenSource stop) in _requests.GetConsumingEnumerable(host.Cancel)
            )
                Answer(request, stop.Token);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
        return ExitCode.Success;
    }

    public void Dispose()
    {
        _restorer?.Dispose();
        _requests.Dispose();
    }

    private void Read()
    {
        CancellationTokenSource? last = null;
        while (input.ReadLine() is { } line)
        {
            if (line == ChildRequest.Stop)
            {
                last?.Cancel();
            }
            else if (line.Length > 0)
            {
                last = CancellationTokenSource.CreateLinkedTokenSource(host.Cancel);
                _requests.Add((JobsJson.Read<ChildRequest>(line), last));
            }
        }
        // Nobody is there any more to take a result.
        last?.Cancel();
        _requests.CompleteAdding();
    }

    private void Answer(ChildRequest request, CancellationToken stop)
    {
        try
        {
            Write(new ChildMessage(ChildMessageKind.Done) { Outcome = Restore(request, stop) });
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Write(new ChildMessage(ChildMessageKind.Stopped));
        }
        // One photo's trouble, native failures included, is one answer.
        catch (Exception e)
        {
            Write(
                new ChildMessage(ChildMessageKind.Failed)
                {
                    Reason = FailureText.For(e, request.Name, request.Input),
                    ForGood = IsForGood(e, request),
                }
            );
        }
    }

    private JobOutcome Restore(ChildRequest request, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        IPhotoRestorer restorer = Restorer(request);
        double scale = request.Options.Scale == 0 ? restorer.Model.Scale : request.Options.Scale;
        if (scale > restorer.Model.Scale)
            throw new UsageException($"model {restorer.Model.Name} enlarges {restorer.Model.Scale} times at most");
        PhotoFormat format = request.Options.Format ?? PhotoFormats.FromPath(request.Name) ?? PhotoFormat.Png;
        RestoreOptions options = request.Options.ToRestoreOptions() with { Scale = scale };
        string record = OutputRecord
            .Of(
                restorer,
                options,
                HashOf(request.Input, stop),
                request.Reference is { } file ? HashOf(file, stop) : null,
                format,
                request.Options.Quality
            )
            .ToText();
        string result = Path.Combine(request.Folder, "result" + format.Extension());
        string stages = Path.Combine(request.Folder, "stage");
        string reference = Path.Combine(request.Folder, "reference.png");
        bool keep = request.Options.KeepStages;
        RestoreOutcome outcome = restorer.Restore(
            new RestoreJob(
                request.Input,
                result,
                options with
                {
                    Resume = new ResumeStore(request.StateFolder, record, TimeSpan.FromSeconds(request.SaveSeconds)),
                },
                new SaveOptions
                {
                    Format = format,
                    Quality = request.Options.Quality,
                    Record = record,
                },
                request.Reference,
                keep ? reference : null,
                keep ? stages : null
            ),
            new ProgressLines(this, request),
            stop
        );
        using var self = Process.GetCurrentProcess();
        return new JobOutcome
        {
            InputWidth = outcome.InputWidth,
            InputHeight = outcome.InputHeight,
            Width = outcome.Width,
            Height = outcome.Height,
            Scale = scale,
            Stages = [.. outcome.Stages.Select(s => new StageSeconds(s.Stage, Math.Round(s.Seconds, 3)))],
            Notes = outcome.Notes,
            Files = [File(JobFile.ResultRole, result), .. Pictures(reference, stages)],
            Device = restorer.Device,
            Precision = restorer.Precision,
            PeakMemory = self.PeakWorkingSet64,
        };
    }

    private IPhotoRestorer Restorer(ChildRequest request)
    {
        var wanted = new RestorerRequest(
            request.Options.Model,
            request.Device switch
            {
                JobQueues.Cpu => DeviceChoice.Cpu,
                JobQueues.Cuda => DeviceChoice.Cuda,
                _ => DeviceChoice.Auto,
            },
            request.Options.Precision,
            request.Threads,
            request.Options.MaxPixels
        );
        if (_restorer is not null && wanted == _opened)
            return _restorer;
        _restorer?.Dispose();
        _restorer = null;
        _restorer = host.OpenRestorer(wanted);
        _opened = wanted;
        return _restorer;
    }

    private static IEnumerable<JobFile> Pictures(string reference, string stages)
    {
        if (System.IO.File.Exists(reference))
            yield return File(JobFile.ReferenceRole, reference);
        string folder = Path.GetDirectoryName(stages)!;
        foreach (string picture in Directory.EnumerateFiles(folder, Path.GetFileName(stages) + ".*.png").Order())
        {
            string stage = Path.GetFileName(picture).Split('.')[1];
            if (stage != JobFile.ReferenceRole)
                yield return File(stage, picture);
        }
    }

    private static JobFile File(string role, string path) =>
        new(role, "", Path.GetFileName(path), new FileInfo(path).Length);

    // A file of the store is called by its hash.
    private static string HashOf(string path, CancellationToken stop) =>
        ContentStore.IsHash(Path.GetFileName(path)) ? Path.GetFileName(path) : OutputRecord.Hash(path, stop);

    // What lies in the photo and the options comes again each time; what lies in the machine may not.
    private static bool IsForGood(Exception e, ChildRequest request) =>
        e is PhotoException photo
            ? (photo.Path == request.Input || photo.Path == request.Reference) && System.IO.File.Exists(photo.Path)
            : e is RestorationException or UsageException or ArgumentException;

    private void Write(ChildMessage message)
    {
        lock (_writing)
        {
            host.Out.WriteLine(JobsJson.Write(message));
            host.Out.Flush();
        }
    }

    private sealed class ProgressLines(ChildHost child, ChildRequest request) : IProgress<RestoreProgress>
    {
        private static readonly TimeSpan BetweenLines = TimeSpan.FromMilliseconds(200);
        private static readonly TimeSpan BetweenPreviews = TimeSpan.FromSeconds(1);
        private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
        private readonly Stopwatch _sincePreview = Stopwatch.StartNew();
        private TimeSpan _untilPreview = BetweenPreviews;
        private string _stage = "";
        private int _previews;

        public void Report(RestoreProgress value)
        {
            bool shown =
                request.Options.Previews && value.Preview is not null && _sincePreview.Elapsed >= _untilPreview;
            if (shown)
                Show(value.Preview!);
            // The first and last step of a stage always.
            bool between = value.Stage == _stage && value.Step < value.Steps;
            if (between && !shown && _sinceLine.Elapsed < BetweenLines)
                return;
            _stage = value.Stage;
            _sinceLine.Restart();
            child.Write(
                new ChildMessage(ChildMessageKind.Progress)
                {
                    Progress = new JobProgress(value.Stage, value.Step, value.Steps, Preview: _previews),
                }
            );
        }

        private void Show(Func<TorchSharp.torch.Tensor> decode)
        {
            var clock = Stopwatch.StartNew();
            using (TorchSharp.torch.Tensor pixels = decode())
            using (Photo photo = Photo.FromPixels(pixels))
                photo.Save(request.Preview, new SaveOptions { Format = PhotoFormat.Jpeg, Quality = 85 });
            _previews++;
            // At most a fifth of the time goes into previews.
            _untilPreview = clock.Elapsed * 4 > BetweenPreviews ? clock.Elapsed * 4 : BetweenPreviews;
            _sincePreview.Restart();
        }
    }
}
