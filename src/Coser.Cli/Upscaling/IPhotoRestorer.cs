using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Cli.Upscaling;

/// <summary>The model of a run, known without its weights.</summary>
internal sealed record RestorerModel(string Name, string Folder, string Hash, int Scale, bool IsPreSrOnly);

/// <summary>One photo's work.</summary>
/// <param name="ReferenceFile">The user's reference photo, for <see cref="ReferenceSource.Photo"/>.</param>
/// <param name="SaveReference">File for the reference image; null: it is not kept.</param>
/// <param name="SaveStages">Files are named from this path: PATH.STAGE.png; null: none.</param>
internal sealed record RestoreJob(
    string Input,
    string Output,
    RestoreOptions Options,
    SaveOptions Save,
    string? ReferenceFile = null,
    string? SaveReference = null,
    string? SaveStages = null
);

/// <summary>What came of it.</summary>
internal sealed record RestoreOutcome(
    int InputWidth,
    int InputHeight,
    int Width,
    int Height,
    IReadOnlyList<StageTiming> Stages,
    IReadOnlyList<string> Notes
);

/// <summary>
/// Restores files. Everything but <see cref="Restore"/> answers without loading the engine or a network, so that a run
/// with nothing left to do ends at once.
/// </summary>
internal interface IPhotoRestorer : IDisposable
{
    RestorerModel Model { get; }

    /// <summary>"cpu" or "cuda".</summary>
    string Device { get; }

    /// <summary>"fp32" or "bf16".</summary>
    string Precision { get; }

    /// <summary>The record in a file's metadata; null when it has none or is not a readable image.</summary>
    string? ReadRecord(string path);

    /// <summary>Restores one file. The output appears whole or not at all.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was written.</exception>
    /// <exception cref="Engine.EngineException">The engine cannot be used: no file will work.</exception>
    RestoreOutcome Restore(RestoreJob job, IProgress<RestoreProgress> progress, CancellationToken cancel);

    /// <summary>Paints the reference image of one file, and writes it.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was written.</exception>
    /// <exception cref="RestorationException">The model paints none.</exception>
    void Imagine(RestoreJob job, IProgress<RestoreProgress> progress, CancellationToken cancel);
}
