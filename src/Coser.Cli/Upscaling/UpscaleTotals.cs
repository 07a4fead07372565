namespace Coser.Cli.Upscaling;

/// <summary>A photo that came to nothing.</summary>
/// <param name="Output">The output's name; null when it was never planned.</param>
/// <param name="Cause">For --verbose; null where no exception was involved.</param>
internal sealed record PhotoFailure(string Input, string? Output, string Reason, Exception? Cause);

/// <summary>The end of a run.</summary>
internal sealed record UpscaleTotals
{
    public int Done { get; init; }
    public int Skipped { get; init; }
    public IReadOnlyList<PhotoFailure> Failures { get; init; } = [];

    /// <summary>Photos left when the run was cancelled or the engine failed.</summary>
    public int NotTried { get; init; }
    public bool Cancelled { get; init; }
    public double Seconds { get; init; }

    public int Count => Done + Skipped + Failures.Count + NotTried;

    public int ExitCode =>
        Cancelled ? Cli.ExitCode.Cancelled
        : Failures.Count > 0 ? Cli.ExitCode.Failed
        : Cli.ExitCode.Success;
}
