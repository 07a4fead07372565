namespace Coser.Jobs.Model;

/// <summary>A job as it is handed in.</summary>
public sealed record NewJob
{
    /// <summary>What it is called in lists and messages: the photo's name as its owner knows it.</summary>
    public required string Name { get; init; }

    /// <summary>What is to be done.</summary>
    public required JobOptions Options { get; init; }

    /// <summary>Who may see it and take it back.</summary>
    public string Owner { get; init; } = "local";

    /// <summary>Whether somebody waits for it.</summary>
    public JobPriority Priority { get; init; } = JobPriority.Interactive;

    /// <summary>Device it needs, one of <see cref="JobQueues.All"/>.</summary>
    public string Queue { get; init; } = JobQueues.Any;

    /// <summary>SHA-256 of its input in the folder store; null where <see cref="InputPath"/> is given.</summary>
    public string? InputHash { get; init; }

    /// <summary>An input outside the store, at the same path on every worker. Never to be taken from the network.</summary>
    public string? InputPath { get; init; }

    /// <summary>SHA-256 of the user's reference photo in the folder store.</summary>
    public string? ReferenceHash { get; init; }

    /// <summary>A file the result is also written to, at the same path on every worker. Never to be taken from the network.</summary>
    public string? OutputPath { get; init; }

    /// <summary>The job whose photo is restored once more; null: none.</summary>
    public string? Origin { get; init; }

    /// <summary>The first job of the chain of <see cref="Origin"/>; null where that is null.</summary>
    public string? Root { get; init; }

    /// <summary>Width of the input in pixels, upright; null: not looked at yet.</summary>
    public int? Width { get; init; }

    /// <summary>Height of the input in pixels, upright; null: not looked at yet.</summary>
    public int? Height { get; init; }

    /// <summary>Size of the input file; null: not looked at.</summary>
    public long? Bytes { get; init; }

    /// <summary>The same owner's job with the same key is made once; null: no such care.</summary>
    public string? IdempotencyKey { get; init; }
}

/// <summary>Capabilities that jobs ask for and workers have.</summary>
public static class JobQueues
{
    /// <summary>Any device will do.</summary>
    public const string Any = "any";

    /// <summary>A processor.</summary>
    public const string Cpu = "cpu";

    /// <summary>An NVIDIA GPU.</summary>
    public const string Cuda = "cuda";

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> All { get; } = [Any, Cpu, Cuda];
}
