using System.Runtime.InteropServices;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Tests.Cli;

/// <summary>
/// "Restores" text files. The first word of an input says what happens to it: bad, memory, native, engine, bug, cancel;
/// anything else succeeds.
/// </summary>
internal sealed class FakeRestorer : IPhotoRestorer
{
    private const string Mark = "record:";

    public required CancellationTokenSource Cancel { get; init; }

    public RestorerModel Model { get; set; } = new("fake", "/models/fake", "hash-1", Scale: 4, IsPreSrOnly: false);

    public string Device { get; set; } = "cpu";

    public string Precision { get; set; } = "fp32";

    public RestorerRequest? Request { get; set; }

    /// <summary>Names of the inputs restored by the last run.</summary>
    public List<string> Restored { get; } = [];

    public List<RestoreJob> Jobs { get; } = [];

    public string? ReadRecord(string path) =>
        File.ReadLines(path).LastOrDefault() is { } line && line.StartsWith(Mark, StringComparison.Ordinal)
            ? line[Mark.Length..]
            : null;

    public RestoreOutcome Restore(RestoreJob job, IProgress<RestoreProgress> progress, CancellationToken cancel)
    {
        string content = File.ReadAllText(job.Input);
        Jobs.Add(job);
        progress.Report(new RestoreProgress("pre-SR", 0, 2));
        switch (content.Split(' ')[0])
        {
            case "bad":
                throw new PhotoException(job.Input, "this is not an image", "Convert it first.");
            case "memory":
                throw OutOfMemory();
            case "native":
                throw new NativeFailure("shape [1, 2] is invalid\nException raised from at::native\nframe #0: …");
            case "engine":
                throw new EngineException("The native engine (libtorch) was not found.");
            case "bug":
                throw new InvalidOperationException("a mistake\nin two lines.");
            case "cancel":
                Cancel.Cancel();
                cancel.ThrowIfCancellationRequested();
                break;
        }
        progress.Report(new RestoreProgress("pre-SR", 2, 2));
        File.WriteAllText(job.Output, $"made of {content}\n{Mark}{job.Save.Record}");
        Restored.Add(Path.GetFileName(job.Input));
        return new RestoreOutcome(10, 20, 40, 80, [new StageTiming("pre-SR", 0.5)], ["CMYK became sRGB"]);
    }

    public void Imagine(RestoreJob job, IProgress<RestoreProgress> progress, CancellationToken cancel)
    {
        Jobs.Add(job);
        File.WriteAllText(job.Output, "a picture");
    }

    public void Dispose() { }

    // A real one, asked for: nothing but the runtime may make it.
    private static Exception OutOfMemory()
    {
        try
        {
            return new InvalidOperationException($"{new byte[int.MaxValue, 1 << 20].Length}");
        }
        catch (OutOfMemoryException e)
        {
            return e;
        }
    }

    // What libtorch's errors arrive as.
    private sealed class NativeFailure(string message) : ExternalException(message);
}
