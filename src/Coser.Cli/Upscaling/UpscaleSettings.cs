using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;

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

    /// <summary>What changes the pixels, but for the scale.</summary>
    public RestoreOptions Options { get; init; } = new();

    /// <summary>The user's reference photo, full path.</summary>
    public string? ReferenceFile { get; init; }

    /// <summary>Write the reference image beside each result.</summary>
    public bool SaveReference { get; init; }

    /// <summary>Folder for the pictures of all stages.</summary>
    public string? StagesFolder { get; init; }

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
