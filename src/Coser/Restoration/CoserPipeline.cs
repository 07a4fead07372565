using Coser.Diffusion;
using Coser.Engine;
using Coser.Imaging;
using Coser.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>What the pipeline made of a photo. The canvas and the pictures belong to the caller.</summary>
internal sealed record PipelineResult(
    PixelCanvas Canvas,
    Photo? Reference,
    IReadOnlyDictionary<string, Photo> Stages,
    IReadOnlyList<StageTiming> Timings
)
{
    /// <summary>All but the canvas, which its new photo owns.</summary>
    public void DisposePictures()
    {
        Reference?.Dispose();
        foreach (Photo stage in Stages.Values)
            stage.Dispose();
    }
}

/// <summary>
/// The paper's inference over a whole photo: understand it, paint a reference, sample with both in view, decode, correct the
/// colours. One class a stage; this one joins them.
/// </summary>
internal sealed class CoserPipeline : IDisposable
{
    public const string CognitionStage = "cognition";
    public const string DecodingStage = "decoding";

    /// <summary>The heat map of where the reference was used, among the pictures of the stages.</summary>
    public const string MatchesPicture = "matches";

    private const int LargestMap = 2048;

    // Neighbouring super-tiles share so many LR pixels.
    private const int SuperTileOverlap = 32;

    private readonly CoserNetworks _networks;
    private readonly RestorationConfig _config;
    private readonly Device _device;
    private readonly Cognition _cognition;
    private readonly Prompts _prompts;
    private readonly LatentCodec _codec;
    private readonly LatentSampling _sampling;
    private readonly ReferenceGenerator _references;
    private readonly LatentRestorer _restorer;
    private readonly Enlargement _enlargement;
    private readonly PhotoViews _views;
    private readonly int _trainLr;

    /// <param name="networks">Owned from here on.</param>
    /// <param name="tokenizer">Null: the model knows no words, only the empty prompt.</param>
    public CoserPipeline(
        CoserNetworks networks,
        RestorationConfig config,
        DiffusionConfig diffusion,
        ClipTokenizer? tokenizer,
        Compute compute
    )
    {
        (_networks, _config, _device) = (networks, config, compute.Device);
        _trainLr = config.TrainSize / Scale;
        _enlargement = Enlargement.Of(config.Enlargement, Scale, networks.PreSr, _device);
        _views = new PhotoViews(_trainLr, _enlargement);
        _cognition = new Cognition(networks.PreSr, networks.Clip, networks.Adapter, _device);
        _prompts = new Prompts(_cognition, networks.Clip.Config.Text, tokenizer);
        _codec = new LatentCodec(networks.Autoencoder, networks.Wrapping, _device, config.CanvasSize);
        _sampling = new LatentSampling(diffusion);
        _references = new ReferenceGenerator(networks.Unet, _sampling, _device);
        var tiling = new LatentTiling(
            config.TrainSize / _codec.Reduction,
            config.TileOverlap / _codec.Reduction,
            config.TileBatch
        );
        _restorer = new LatentRestorer(networks.Unet, networks.Control, _sampling, tiling, _device);
    }

    /// <summary>Enlargement.</summary>
    public int Scale => _networks.PreSr.Config.Upscale;

    /// <summary>Restores a photo.</summary>
    /// <exception cref="RestorationException">The networks gave no usable result, or a prompt needs a tokenizer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind but the saved state.</exception>
    public PipelineResult Restore(RestoreRun run)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var stages = new Dictionary<string, Photo>(StringComparer.Ordinal);
        Photo photo = run.Photo;
        var canvas = new PixelCanvas(checked(photo.Width * Scale), checked(photo.Height * Scale));
        try
        {
            Tensor small = _views.Small(photo);
            GuidanceContext conditions = run.Clock.Measure(CognitionStage, () => Understand(run, small, stages));
            Tensor? reference = run.Clock.Measure(ReferenceGenerator.Stage, () => Reference(run, small, conditions));
            if (reference is not null && run.Options.KeepStages)
                stages.Add("reference", Shown(reference));
            Paint(run, conditions, reference, canvas, stages);
            return new PipelineResult(canvas, reference is null ? null : Shown(reference), stages, run.Clock.Timings);
        }
        catch
        {
            canvas.Dispose();
            foreach (Photo stage in stages.Values)
                stage.Dispose();
            throw;
        }
        finally
        {
            NativeHeap.Release();
        }
    }

    /// <summary>The first two stages alone: what the model believes it sees.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Photo Imagine(RestoreRun run)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        Tensor small = _views.Small(run.Photo);
        GuidanceContext conditions = Understand(run, small, stages: null);
        return Shown(Reference(run, small, conditions)!);
    }

    /// <inheritdoc/>
    public void Dispose() => _networks.Dispose();

    private GuidanceContext Understand(RestoreRun run, Tensor small, Dictionary<string, Photo>? stages)
    {
        using var scope = NewDisposeScope();
        run.Report(new RestoreProgress(CognitionStage, 0, 1));
        Tensor words = _prompts.Read(run.Options.Prompt);
        Tensor negative = _prompts.Read(run.NegativePrompt);
        Tensor preSr = _cognition.PreSr(small);
        if (run.Options.KeepStages)
            stages?.Add("pre-sr", Photo.FromPixels(preSr));
        Tensor positive = run.Options.Cognition ? cat([words, _cognition.Understand(preSr)], dim: 1) : words;
        run.Report(new RestoreProgress(CognitionStage, 1, 1));
        return new GuidanceContext(positive.MoveToOuterDisposeScope(), negative.MoveToOuterDisposeScope());
    }

    // Of the training size, for the whole photo; null: there is none, or one a tile.
    private Tensor? Reference(RestoreRun run, Tensor small, GuidanceContext conditions) =>
        run.Options.Reference switch
        {
            ReferenceSource.Auto => Paint(
                run,
                _views.Square(small).to(_device),
                conditions,
                run.Context(Preview),
                ReferenceGenerator.Stage
            ),
            ReferenceSource.Photo => _codec.Encode(_views.Reference(run.Options.ReferencePhoto!).to(_device)),
            _ => null,
        };

    // enlarged: [1,3,T,T], what the reference starts from
    private Tensor Paint(
        RestoreRun run,
        Tensor enlarged,
        GuidanceContext conditions,
        StageContext context,
        string stage
    )
    {
        using var scope = NewDisposeScope();
        SamplingSettings settings = run.ReferenceSampling;
        Tensor lr = _codec.Encode(enlarged);
        Tensor start = _sampling.AddNoise(lr, run.Noise.Draw("start", lr, settings.Start), settings.Start);
        return _references.Generate(start, conditions, settings, run.Noise, context, stage).MoveToOuterDisposeScope();
    }

    // Part after part onto the canvas.
    private void Paint(
        RestoreRun run,
        GuidanceContext conditions,
        Tensor? reference,
        PixelCanvas canvas,
        Dictionary<string, Photo> stages
    )
    {
        Photo photo = run.Photo;
        using ReferenceUse? use = WatchReference(run, canvas);
        var lrCanvas = new LrCanvas(photo.Read, photo.Width, photo.Height, _trainLr);
        int side = run.Options.Tile > 0 ? run.Options.Tile : _config.CanvasSize / Scale;
        side = Math.Max(side + side % 2, _trainLr);
        IReadOnlyList<PixelArea> parts = new SuperTiles(side, Math.Min(SuperTileOverlap, side / 4)).Of(
            lrCanvas.Width,
            lrCanvas.Height
        );
        if (parts.Count > 1)
            NativeHeap.KeepWhole();
        else
            NativeHeap.KeepFreed();
        (var before, var after) = (new PixelRange(), new PixelRange());
        foreach ((int i, PixelArea part) in parts.Index())
        {
            using var scope = NewDisposeScope();
            Tensor enlarged = lrCanvas.ReadEnlarged(part, _enlargement).to(_device);
            before.Add(enlarged);
            StageContext context = run.Context(clean => Preview(clean, enlarged, run.Fidelity), i, parts.Count);
            string suffix = i == 0 ? "" : $"-{i}";
            use?.MoveTo(part.Left * Scale / _codec.Reduction, part.Top * Scale / _codec.Reduction);
            Tensor latent = run.Clock.Measure(
                LatentRestorer.Stage,
                () => Sample(run, enlarged, conditions, reference, context, suffix, use)
            );
            Tensor pixels = run.Clock.Measure(DecodingStage, () => Decode(run, latent, enlarged, suffix));
            run.Report(new RestoreProgress(DecodingStage, i + 1, parts.Count));
            // What lies beyond the photo's edge was there for the networks only.
            pixels = pixels
                .narrow(2, 0, Scale * Math.Min(part.Height, photo.Height - part.Top))
                .narrow(3, 0, Scale * Math.Min(part.Width, photo.Width - part.Left))
                .cpu();
            after.Add(pixels);
            SuperTiles.Lay(canvas, parts, i, pixels, Scale);
        }
        double shrink = Math.Min(1, (double)LargestMap / Math.Max(canvas.Width, canvas.Height));
        if (use?.ToPhoto(Shrunk(canvas.Width), Shrunk(canvas.Height)) is { } map)
            stages.Add(MatchesPicture, map);
        PixelRange.Compare(before, after);

        int Shrunk(int side) => Math.Max(1, (int)Math.Round(side * shrink));
    }

    private ReferenceUse? WatchReference(RestoreRun run, PixelCanvas canvas) =>
        run.Options.KeepStages && run.Options.Reference != ReferenceSource.None
            ? new ReferenceUse(
                (canvas.Height + _codec.Reduction - 1) / _codec.Reduction,
                (canvas.Width + _codec.Reduction - 1) / _codec.Reduction
            )
            : null;

    private Tensor Sample(
        RestoreRun run,
        Tensor enlarged,
        GuidanceContext conditions,
        Tensor? reference,
        StageContext context,
        string suffix,
        ReferenceUse? use
    )
    {
        using var scope = NewDisposeScope();
        SamplingSettings settings = run.ResultSampling;
        Tensor lr = _codec.Encode(enlarged);
        Tensor noise = run.Noise.Draw("start" + suffix, lr, settings.Start);
        using var own = new TileReferences(tile =>
            Paint(
                run,
                Pixels(tile).Of(enlarged).contiguous(),
                conditions,
                context,
                $"{ReferenceGenerator.Stage}{suffix}-{tile.Left}-{tile.Top}"
            )
        );
        Func<LatentTile, Tensor>? shown =
            reference is not null ? _ => reference
            : run.Options.Reference == ReferenceSource.PerTile ? own.Of
            : Missing();
        return _restorer
            .Restore(
                _sampling.AddNoise(lr, noise, settings.Start),
                lr,
                shown,
                conditions,
                settings,
                run.Noise,
                context,
                LatentRestorer.Stage + suffix,
                use
            )
            .MoveToOuterDisposeScope();
    }

    private Func<LatentTile, Tensor>? Missing()
    {
        if (_config.MissingReference == MissingReference.Silent)
            return null;
        Tensor zero = _codec.Encode(full([1, 3, _config.TrainSize, _config.TrainSize], 0.5f));
        return _ => zero;
    }

    private Tensor Decode(RestoreRun run, Tensor latent, Tensor enlarged, string suffix)
    {
        using var scope = NewDisposeScope();
        Tensor shown = enlarged;
        if (_config.FeatureNoise > 0)
            shown = enlarged.add(run.Noise.Draw("features" + suffix, enlarged, 0), _config.FeatureNoise);
        Tensor decoded = _codec.Decode(latent, shown, run.Fidelity);
        return ColourFix
            .Apply(run.ColourFix, decoded, enlarged, _config.Detail, _config.DetailLimit)
            .clamp(0, 1)
            .MoveToOuterDisposeScope();
    }

    private Tensor Preview(Tensor clean) => Preview(clean, lr: null, fidelity: 0);

    private Tensor Preview(Tensor clean, Tensor? lr, double fidelity)
    {
        using var scope = NewDisposeScope();
        return _codec.Decode(clean, lr, fidelity).clamp(0, 1).cpu().MoveToOuterDisposeScope();
    }

    private Photo Shown(Tensor latent)
    {
        using var scope = NewDisposeScope();
        return Photo.FromPixels(Preview(latent));
    }

    private LatentTile Pixels(LatentTile tile)
    {
        int r = _codec.Reduction;
        return new LatentTile(tile.Left * r, tile.Top * r, tile.Width * r, tile.Height * r);
    }

    // One picture a tile, painted when the tile is first seen and kept for the steps to come.
    private sealed class TileReferences(Func<LatentTile, Tensor> paint) : IDisposable
    {
        private readonly Dictionary<LatentTile, Tensor> _painted = [];

        public Tensor Of(LatentTile tile)
        {
            if (!_painted.TryGetValue(tile, out Tensor? latent))
                _painted[tile] = latent = paint(tile).DetachFromDisposeScope();
            return latent;
        }

        public void Dispose()
        {
            foreach (Tensor latent in _painted.Values)
                latent.Dispose();
        }
    }
}
