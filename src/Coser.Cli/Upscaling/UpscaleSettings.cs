using Coser.Engine;
using Coser.Imaging;

namespace Coser.Cli.Upscaling;

/// <summary>The options of one run, checked.</summary>
internal sealed record UpscaleSettings
{
    public string? Output { get; init; }
    public bool Recursive { get; init; }
    public bool Overwrite { get; init; }
    public required RestorerRequest Restorer { get; init; }

    /// <summary>0 stands for the model's own.</summary>
    public double Scale { get; init; }

    public long Seed { get; init; } = 42;
    public int Tile { get; init; }
    public PhotoFormat? Format { get; init; }
    public int? Quality { get; init; }
}

/// <summary>Which model is to run where.</summary>
/// <param name="Model">A model's name or folder.</param>
/// <param name="Threads">CPU threads; null for as many as the engine chooses.</param>
/// <param name="MaxPixels">Larger inputs are refused; null for the library's own limit.</param>
internal sealed record RestorerRequest(
    string Model,
    DeviceChoice Device,
    Precision Precision,
    int? Threads,
    long? MaxPixels
);
