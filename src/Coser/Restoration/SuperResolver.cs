using System.Diagnostics;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;

namespace Coser.Restoration;

/// <summary>
/// The library's front door: restores photos with a model. Holds the networks; one instance serves many photos, one at a
/// time.
/// </summary>
public sealed class SuperResolver : IDisposable
{
    private readonly PreSrEnlarger _preSr;

    /// <summary>Loads the model's networks.</summary>
    /// <param name="model">Read here, not kept.</param>
    /// <param name="compute">Device and precision; null: chosen for this machine.</param>
    /// <exception cref="CheckpointException">A component is missing or does not fit its network.</exception>
    /// <exception cref="EngineException">The native engine cannot be used.</exception>
    public SuperResolver(ModelDirectory model, Compute? compute = null)
    {
        Compute = compute ?? Compute.Choose();
        _preSr = new PreSrEnlarger(model.LoadPreSr(), Compute);
    }

    /// <summary>Device and precision in use.</summary>
    public Compute Compute { get; }

    /// <summary>The enlargement of the model.</summary>
    public int Scale => _preSr.Scale;

    /// <summary>Restores a photo.</summary>
    /// <param name="photo">The input; it stays the caller's, and must outlive the result.</param>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not above 0 and at most the model's.</exception>
    /// <exception cref="RestorationException">The networks gave no usable result.</exception>
    /// <exception cref="PhotoException">The photo's pixels cannot be decoded, or no space is left for the result's.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public RestoredPhoto Restore(
        Photo photo,
        RestoreOptions? options = null,
        IProgress<RestoreProgress>? progress = null,
        CancellationToken cancel = default
    )
    {
        options ??= new RestoreOptions();
        if (!(options.Scale > 0 && options.Scale <= Scale))
            throw new ArgumentOutOfRangeException(nameof(options), $"the scale must be above 0 and at most {Scale}");
        var clock = Stopwatch.StartNew();
        PixelCanvas canvas = _preSr.Enlarge(
            photo,
            options.Tile,
            (done, all) => progress?.Report(new RestoreProgress("pre-SR", done, all)),
            cancel
        );
        Photo restored = photo.WithPixels(canvas, options.Scale);
        return new RestoredPhoto(restored, [new StageTiming("pre-SR", clock.Elapsed.TotalSeconds)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _preSr.Dispose();
}
