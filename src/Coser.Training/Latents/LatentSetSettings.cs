using Coser.Restoration;
using Coser.Training.Degradation;

namespace Coser.Training.Latents;

/// <summary>Which views of the photos a set of latents holds.</summary>
public sealed record LatentSetSettings
{
    /// <summary>Side of a view, pixels: a multiple of the autoencoder's reduction and of the degradation's scale.</summary>
    public int Size { get; init; } = 128;

    /// <summary>Views of every photo.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Training photos at most, evenly spread over the data set; null: all. Other splits are always whole.</summary>
    public int? TrainingPhotos { get; init; }

    /// <summary>Decides the crops and the degradations.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How a view is degraded; null: only the sharp one is kept.</summary>
    public DegradationSettings? Degradation { get; init; }

    /// <summary>How degraded views were enlarged before they were encoded: as their model does it.</summary>
    public EnlargementKind Enlargement { get; init; }

    /// <summary>Refuses what cannot be made.</summary>
    /// <param name="reduction">The autoencoder's.</param>
    /// <exception cref="InvalidDataException">A number is out of range; the message names it.</exception>
    public void Validate(int reduction)
    {
        if (Views is < 1 or > 10_000)
            throw new InvalidDataException($"latents: views is from 1 to 10000, not {Views}.");
        if (TrainingPhotos < 1)
            throw new InvalidDataException("latents: there must be a training photo.");
        int multiple = Degradation is null ? reduction : Lcm(reduction, Degradation.Scale);
        if (Size < multiple || Size % multiple != 0)
            throw new InvalidDataException($"latents: size must be a multiple of {multiple}, not {Size}.");
        Degradation?.Validate();
    }

    private static int Lcm(int a, int b)
    {
        (int x, int y) = (a, b);
        while (y != 0)
            (x, y) = (y, x % y);
        return a / x * b;
    }
}
