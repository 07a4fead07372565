namespace Coser.Cli;

/// <summary>What the command tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Some or all of the work failed.</summary>
    public const int Failed = 1;

    /// <summary>Called wrongly; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by Ctrl+C, as shells report it (128 + SIGINT).</summary>
    public const int Cancelled = 130;
}
