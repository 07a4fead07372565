using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;
using TorchSharp;

namespace Coser.Cli.Upscaling;

/// <summary>The library behind <see cref="IPhotoRestorer"/>; engine and weights are loaded with the first photo.</summary>
internal sealed class PhotoRestorer : IPhotoRestorer
{
    private readonly RestorerRequest _request;
    private readonly ModelDirectory? _model;
    private readonly BaselineFile? _baseline;
    private readonly PhotoLimits _limits;
    private SuperResolver? _resolver;

    private PhotoRestorer(RestorerRequest request, ModelDirectory model)
    {
        (_request, _model) = (request, model);
        _limits = request.MaxPixels is { } pixels ? new PhotoLimits { MaxPixels = pixels } : new PhotoLimits();
        Model = new RestorerModel(
            model.Manifest.Name,
            model.Folder,
            model.Hash,
            model.Manifest.Scale,
            model.IsPreSrOnly
        );
        (Device, Precision) = ComputeNames.Resolve(request.Device, request.Precision);
    }

    private PhotoRestorer(RestorerRequest request, BaselineFile baseline)
    {
        (_request, _baseline) = (request, baseline);
        _limits = request.MaxPixels is { } pixels ? new PhotoLimits { MaxPixels = pixels } : new PhotoLimits();
        string path = Path.GetFullPath(baseline.Path);
        Model = new RestorerModel(
            Path.GetFileNameWithoutExtension(path),
            path,
            baseline.Hash(),
            baseline.Scale,
            IsPreSrOnly: true
        );
        (Device, Precision) = ComputeNames.Resolve(request.Device, request.Precision);
    }

    public RestorerModel Model { get; }

    public string Device { get; }

    public string Precision { get; }

    /// <exception cref="CheckpointException">There is no such model, or it is damaged.</exception>
    /// <exception cref="EngineException">CUDA was asked for and is not there.</exception>
    public static PhotoRestorer Open(RestorerRequest request)
    {
        if (File.Exists(request.Model))
        {
            BaselineFile baseline = BaselineFile.Open(request.Model);
            try
            {
                return new PhotoRestorer(request, baseline);
            }
            catch
            {
                baseline.Dispose();
                throw;
            }
        }
        ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(request.Model));
        try
        {
            return new PhotoRestorer(request, model);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    public string? ReadRecord(string path)
    {
        try
        {
            return PhotoRecord.Read(path);
        }
        catch (Exception e) when (e is PhotoException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public RestoreOutcome Restore(RestoreJob job, IProgress<RestoreProgress> progress, CancellationToken cancel)
    {
        // Decoded first: a damaged file is known before seconds are spent on loading a network.
        using Photo photo = Photo.Open(job.Input, _limits);
        cancel.ThrowIfCancellationRequested();
        job.Save.Format?.CheckSize(
            job.Output,
            (long)Math.Ceiling(photo.Width * job.Options.Scale),
            (long)Math.Ceiling(photo.Height * job.Options.Scale)
        );
        using Photo? reference = job.ReferenceFile is null ? null : Photo.Open(job.ReferenceFile, _limits);
        RestoreOptions options = job.Options with
        {
            ReferencePhoto = reference,
            KeepStages = job.SaveStages is not null,
        };
        using RestoredPhoto restored = Resolver().Restore(photo, options, progress, cancel);
        cancel.ThrowIfCancellationRequested();
        progress.Report(new RestoreProgress("save", 0, 1));
        if (job.SaveReference is not null)
            restored.Reference?.Save(job.SaveReference);
        if (job.SaveStages is not null)
            Directory.CreateDirectory(Path.GetDirectoryName(job.SaveStages)!);
        foreach ((string stage, Photo picture) in restored.Stages)
            picture.Save($"{job.SaveStages}.{stage}.png");
        // Last: a result that is there has all that was asked for beside it.
        restored.Photo.Save(job.Output, job.Save);
        return new RestoreOutcome(
            photo.Width,
            photo.Height,
            restored.Photo.Width,
            restored.Photo.Height,
            restored.Timings,
            [.. photo.Notes]
        );
    }

    public void Imagine(RestoreJob job, IProgress<RestoreProgress> progress, CancellationToken cancel)
    {
        using Photo photo = Photo.Open(job.Input, _limits);
        cancel.ThrowIfCancellationRequested();
        using Photo reference = Resolver().Imagine(photo, job.Options, progress, cancel);
        reference.Save(job.Output, job.Save);
    }

    public void Dispose()
    {
        _resolver?.Dispose();
        _model?.Dispose();
        _baseline?.Dispose();
    }

    private SuperResolver Resolver()
    {
        if (_resolver is not null)
            return _resolver;
        var compute = Compute.Choose(_request.Device, _request.Precision);
        if (_request.Threads is { } threads)
            torch.set_num_threads(threads);
        return _resolver = _baseline is not null
            ? SuperResolver.Of(_baseline.Load(), compute)
            : new SuperResolver(_model!, compute);
    }
}
