namespace Coser.Imaging;

/// <summary>How large a photo may be. Checked against the header, before anything is decoded.</summary>
public sealed record PhotoLimits
{
    /// <summary>The limits used when none are given.</summary>
    public static PhotoLimits Default { get; } = new();

    /// <summary>Largest width times height of an input, in pixels; 2^28 (16384 x 16384) by default.</summary>
    public long MaxPixels { get; init; } = 268_435_456;
}
