using Coser.Client.Contract;
using Coser.Imaging;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Server.Access;
using Coser.Server.Api;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Uploads;

/// <summary>Makes jobs of what was sent, if there is room for them.</summary>
internal sealed class Submissions(JobLedger ledger, ContentStore store, ModelCatalog models, ServerOptions options)
    : IDisposable
{
    // Apart from those of batches, which begin with the batch's name.
    private const string KeyPrefix = "http:";
    private const int LongestKey = 200;
    private static readonly TimeSpan FullWait = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>Checks before anything is read: whoever will be refused need not send its photo first.</summary>
    /// <exception cref="ApiProblem">The key is no key, or the queue is full.</exception>
    public async Task PrepareAsync(Caller caller, string? key, CancellationToken cancel)
    {
        if (key is not null && (key.Length is 0 or > LongestKey || !key.All(c => c is >= '!' and <= '~')))
            throw ApiProblem.BadOption(
                "Idempotency-Key",
                "it is no key",
                $"Use 1 to {LongestKey} visible ASCII characters."
            );
        if (key is not null && await ledger.FindByKeyAsync(caller.Name, KeyPrefix + key, cancel) is not null)
            return;
        await RequireRoomAsync(cancel);
    }

    /// <summary>Hands a job in.</summary>
    /// <returns>The job, and whether it is a new one.</returns>
    /// <exception cref="ApiProblem">An option is refused, or the queue is full.</exception>
    /// <exception cref="IdempotencyConflictException">The key was used for another request.</exception>
    public async Task<(Job Job, bool IsNew)> HandInAsync(
        Caller caller,
        JobForm form,
        string? key,
        CancellationToken cancel
    )
    {
        NewJob job = form.From is null ? Own(caller, form) : await AgainAsync(caller, form, cancel);
        job = job with { IdempotencyKey = key is null ? null : KeyPrefix + key };
        CheckResult(job);
        // Counted and handed in by one request at a time, so that they do not pass together where there is room for one.
        await _one.WaitAsync(cancel);
        try
        {
            if (key is null || await ledger.FindByKeyAsync(caller.Name, job.IdempotencyKey!, cancel) is null)
                await RequireRoomAsync(cancel);
            return await ledger.HandInAsync(job, cancel);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private NewJob Own(Caller caller, JobForm form)
    {
        if (form.Photo is not { } photo)
            throw ApiProblem.BadRequest("there is no photo. Send it as the field 'photo', or name a job as 'from'.");
        return New(caller, form.Name, form.Settings, form.Reference?.Hash) with
        {
            InputHash = photo.Hash,
            Width = photo.Header.Width,
            Height = photo.Header.Height,
            Bytes = photo.Bytes,
        };
    }

    private async Task<NewJob> AgainAsync(Caller caller, JobForm form, CancellationToken cancel)
    {
        if (form.Photo is not null)
            throw ApiProblem.BadRequest("there is a photo and a 'from'. Send one of them.");
        Job from = await ledger.VisibleAsync(form.From!, caller, cancel);
        if (from.Request.InputHash is not { } input || !store.Contains(input))
            throw new ApiProblem(
                StatusCodes.Status409Conflict,
                ProblemCode.Conflict,
                $"job {from.Id}: its photo is not in the server's store. Send the photo itself."
            );
        bool sameReference = form.Reference is null && form.Settings.Reference is null or ReferenceName.Photo;
        string? reference = form.Reference?.Hash ?? (sameReference ? from.Request.ReferenceHash : null);
        return New(caller, from.Request.Name, form.Settings, reference) with
        {
            InputHash = input,
            Width = from.Request.Width,
            Height = from.Request.Height,
            Bytes = from.Request.Bytes,
            Origin = from.Id,
            Root = from.Request.Root ?? from.Id,
        };
    }

    private NewJob New(Caller caller, string name, JobSettings settings, string? reference)
    {
        ModelChoice model = Model(settings.Model ?? options.DefaultModel);
        return new NewJob
        {
            Name = name,
            Owner = caller.Name,
            Priority = JobPriority.Interactive,
            Options = SettingsMap.ToOptions(settings, model, options.MaxPixels, reference is not null),
            ReferenceHash = reference,
        };
    }

    // By name alone: a path would reach whatever this user can read.
    private ModelChoice Model(string name)
    {
        if (models.Find(name) is not { } model)
            throw ApiProblem.BadOption(
                "options.model",
                "there is no model of this name",
                "GET /api/v1/options lists those that are there."
            );
        return model.Ready
            ? model
            : throw ApiProblem.BadOption(
                "options.model",
                $"{model.Name} cannot be used: {model.Reason}",
                "Choose another."
            );
    }

    // Known now, not after the work.
    private static void CheckResult(NewJob job)
    {
        if (job is not { Width: { } width, Height: { } height })
            return;
        PhotoFormat format = job.Options.Format ?? PhotoFormats.FromPath(job.Name) ?? PhotoFormat.Png;
        long longest = (long)Math.Ceiling(Math.Max(width, height) * job.Options.Scale);
        if (longest > format.MaxSide())
            throw ApiProblem.BadOption(
                "options.format",
                $"{job.Name} becomes {longest} pixels long, and {format} holds {format.MaxSide()} a side",
                "Choose png or tiff, or a smaller scale.",
                StatusCodes.Status422UnprocessableEntity
            );
    }

    private async Task RequireRoomAsync(CancellationToken cancel)
    {
        if (await ledger.Watch.CountOpenSinglesAsync(cancel) >= options.MaxQueue)
            throw new ApiProblem(
                StatusCodes.Status503ServiceUnavailable,
                ProblemCode.QueueFull,
                $"{options.MaxQueue} photos wait already, and more are not taken. Try again when some are done.",
                FullWait
            );
    }
}
