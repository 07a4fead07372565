using System.Diagnostics;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;
using Coser.Networks;

namespace Coser.Restoration;

/// <summary>
/// The library's front door: restores photos with a model. Holds the networks; one instance serves many photos, one at a
/// time.
/// </summary>
public sealed class SuperResolver : IDisposable
{
    /// <summary>Name of the only stage of a model that has nothing but its pre-SR network.</summary>
    public const string PreSrStage = "pre-SR";

    private readonly PreSrEnlarger? _preSr;
    private readonly CoserPipeline? _pipeline;
    private readonly RestorationConfig _config;

    /// <summary>Loads the model's networks.</summary>
    /// <param name="model">Read here, not kept.</param>
    /// <param name="compute">Device and precision; null: chosen for this machine.</param>
    /// <exception cref="CheckpointException">A component is missing or does not fit its network.</exception>
    /// <exception cref="EngineException">The native engine cannot be used.</exception>
    public SuperResolver(ModelDirectory model, Compute? compute = null)
    {
        Compute = compute ?? Compute.Choose();
        _config = model.Manifest.Restoration ?? new RestorationConfig();
        if (model.IsPreSrOnly)
            _preSr = new PreSrEnlarger(model.LoadEnlarger(), Compute);
        else
            _pipeline = new CoserPipeline(
                CoserNetworks.Load(model, Compute),
                _config,
                model.Manifest.Diffusion ?? new(),
                model.OpenTokenizer(),
                Compute
            );
    }

    private SuperResolver(IEnlarger network, Compute compute)
    {
        Compute = compute;
        _config = new RestorationConfig();
        _preSr = new PreSrEnlarger(network, compute);
    }

    /// <summary>Device and precision in use.</summary>
    public Compute Compute { get; }

    /// <summary>The enlargement of the model.</summary>
    public int Scale => _pipeline?.Scale ?? _preSr!.Scale;

    /// <summary>The first stage of a model alone, whether or not it has the others.</summary>
    /// <exception cref="CheckpointException">The model has no such network, or its weights do not fit.</exception>
    public static SuperResolver FirstStage(ModelDirectory model, Compute compute) => new(model.LoadEnlarger(), compute);

    /// <summary>A network that enlarges in one pass, by itself.</summary>
    /// <param name="network">Owned from here on.</param>
    /// <param name="compute">Device and precision.</param>
    public static SuperResolver Of(IEnlarger network, Compute compute) => new(network, compute);

    /// <summary>Restores a photo.</summary>
    /// <param name="photo">The input; it stays the caller's, and must outlive the result.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or a reference photo is missing.</exception>
    /// <exception cref="RestorationException">The networks gave no usable result, or a prompt needs a tokenizer.</exception>
    /// <exception cref="PhotoException">The photo's pixels cannot be decoded, or no space is left for the result's.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind but a saved state that was asked for.</exception>
    public RestoredPhoto Restore(
        Photo photo,
        RestoreOptions? options = null,
        IProgress<RestoreProgress>? progress = null,
        CancellationToken cancel = default
    )
    {
        options ??= new RestoreOptions();
        RestoreOptions.Validate(options, Scale);
        if (_pipeline is null)
            return RestoreByPreSr(photo, options, progress, cancel);
        PipelineResult result = _pipeline.Restore(Run(photo, options, progress, cancel));
        try
        {
            Photo restored = photo.WithPixels(result.Canvas, options.Scale);
            options.Resume?.Clear();
            return new RestoredPhoto(restored, result.Timings, result.Reference, result.Stages);
        }
        catch
        {
            result.DisposePictures();
            throw;
        }
    }

    /// <summary>What the model believes the photo shows: its reference image, 8 bits, in the size it was trained on.</summary>
    /// <exception cref="RestorationException">The model has its pre-SR network alone.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Photo Imagine(
        Photo photo,
        RestoreOptions? options = null,
        IProgress<RestoreProgress>? progress = null,
        CancellationToken cancel = default
    )
    {
        options = (options ?? new RestoreOptions()) with { Reference = ReferenceSource.Auto, Resume = null };
        RestoreOptions.Validate(options, Scale);
        return _pipeline?.Imagine(Run(photo, options, progress, cancel))
            ?? throw new RestorationException("this model is pre-SR only: it paints no reference");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _preSr?.Dispose();
        _pipeline?.Dispose();
    }

    private RestoreRun Run(
        Photo photo,
        RestoreOptions options,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancel
    ) => new(photo, options, _config, p => progress?.Report(p), cancel);

    private RestoredPhoto RestoreByPreSr(
        Photo photo,
        RestoreOptions options,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancel
    )
    {
        var clock = Stopwatch.StartNew();
        PixelCanvas canvas = _preSr!.Enlarge(
            photo,
            options.Tile,
            (done, all) => progress?.Report(new RestoreProgress(PreSrStage, done, all)),
            cancel
        );
        Photo restored = photo.WithPixels(canvas, options.Scale);
        return new RestoredPhoto(restored, [new StageTiming(PreSrStage, clock.Elapsed.TotalSeconds)]);
    }
}
