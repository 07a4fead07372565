using Coser.Engine;

namespace Coser.Restoration;

/// <summary>How one photo is restored. The same options, seed, thread count and tile size give the same bytes.</summary>
public sealed record RestoreOptions
{
    /// <summary>Enlargement, above 0 and at most the model's own factor (4); smaller ones are shrunk from the full result.</summary>
    public double Scale { get; init; } = 4;

    /// <summary>Seed of every random draw. The pre-SR network draws nothing: its result does not depend on it.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>
    /// Longest side of the tiles the photo is cut into, in input pixels. Each tile is computed with the network's whole
    /// receptive field around it, so tiles leave no seams. 0: 256, about 1 GB of working memory.
    /// </summary>
    public int Tile { get; init; }
}

/// <summary>Where work stands: <paramref name="Step"/> of <paramref name="Steps"/> of a stage is done.</summary>
/// <param name="Stage">Name of the stage, as in <see cref="RestoredPhoto.Timings"/>.</param>
public sealed record RestoreProgress(string Stage, int Step, int Steps);

/// <summary>Seconds one stage took.</summary>
public sealed record StageTiming(string Stage, double Seconds);

/// <summary>A restored photo, ready to be saved, with what is known of its making.</summary>
public sealed class RestoredPhoto(Imaging.Photo photo, IReadOnlyList<StageTiming> timings) : IDisposable
{
    /// <summary>The enlarged photo with the input's alpha, profile and metadata.</summary>
    public Imaging.Photo Photo { get; } = photo;

    /// <summary>Seconds by stage, in order.</summary>
    public IReadOnlyList<StageTiming> Timings { get; } = timings;

    /// <inheritdoc/>
    public void Dispose() => Photo.Dispose();
}
