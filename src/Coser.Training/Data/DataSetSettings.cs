using System.Text.Json.Serialization;
using Coser.Imaging;

namespace Coser.Training.Data;

/// <summary>How a data set is built from photos.</summary>
public sealed record DataSetSettings
{
    /// <summary>A photo's shorter side is shrunk to this, in pixels; shorter ones stay as they are.</summary>
    public int Side { get; init; } = 512;

    /// <summary>Whether the middle square is cut out.</summary>
    public bool Square { get; init; }

    /// <summary>Photos with a shorter side below this, in pixels, are dropped.</summary>
    public int MinSide { get; init; } = 128;

    /// <summary>Photos less sharp than this (<see cref="PhotoMeasures.Sharpness"/>, at the size kept) are dropped; 0: none.</summary>
    public double MinSharpness { get; init; } = 100;

    /// <summary>
    /// Photos whose difference hash is within so many bits of an earlier one's are dropped, 0 to 15; -1: none.
    /// </summary>
    public int MaxDistance { get; init; } = 3;

    /// <summary>Share of the photos kept that validate, 0 to 1; drawn from the seed and a photo's name.</summary>
    public double Validation { get; init; } = 0.02;

    /// <summary>Seed of the split.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Format of the photos kept.</summary>
    public PhotoFormat Format { get; init; } = PhotoFormat.WebP;

    /// <summary>Quality of a lossy format, 1 to 100.</summary>
    public int Quality { get; init; } = 95;

    /// <summary>Photos measured at a time. No part of what a data set is.</summary>
    [JsonIgnore]
    public int Workers { get; init; } = 2;

    /// <summary>Names a setting that is out of its range; null: all are sound.</summary>
    public string? Fault() =>
        Side < 16 ? "side is at least 16"
        : MinSide < 16 ? "min_side is at least 16"
        : MinSharpness < 0 ? "min_sharpness is at least 0"
        : MaxDistance is < -1 or > 15 ? "max_distance is from -1 to 15"
        : Validation is not (>= 0 and < 1) ? "validation is at least 0 and below 1"
        : Quality is < 1 or > 100 ? "quality is from 1 to 100"
        : null;
}
