namespace Coser.Imaging;

/// <summary>How a photo is written.</summary>
public sealed record SaveOptions
{
    /// <summary>The format; null takes it from the file's extension.</summary>
    public PhotoFormat? Format { get; init; }

    /// <summary>1 to 100; null is 92 for JPEG, 90 for WebP, 80 for AVIF. PNG and TIFF are lossless and ignore it.</summary>
    public int? Quality { get; init; }

    /// <summary>A short text kept in the file's XMP packet (<see cref="PhotoRecord"/>); null adds none.</summary>
    public string? Record { get; init; }

    /// <summary>Whether an existing file is replaced; if not, it is a <see cref="PhotoException"/>.</summary>
    public bool Overwrite { get; init; } = true;
}
