namespace Coser.Cli.Diagnostics;

/// <summary>How a check ended.</summary>
internal enum FindingState
{
    Ok,

    /// <summary>Works, but worse than it could.</summary>
    Warn,

    /// <summary>Something needed is broken.</summary>
    Fail,
}

/// <summary>Result of one check.</summary>
/// <param name="Remedy">What to do about it; null when there is nothing to do.</param>
internal sealed record Finding(string Name, FindingState State, string Detail, string? Remedy = null);
