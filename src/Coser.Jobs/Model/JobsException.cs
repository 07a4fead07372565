namespace Coser.Jobs.Model;

/// <summary>Something about jobs cannot be done: what, why, and what to do about it.</summary>
public class JobsException(string what, string reason, string remedy, Exception? inner = null)
    : Exception($"{what}: {reason}. {remedy}", inner)
{
    /// <summary>The file, database or job.</summary>
    public string What { get; } = what;

    /// <summary>Why, without a full stop.</summary>
    public string Reason { get; } = reason;

    /// <summary>What to do about it, a sentence.</summary>
    public string Remedy { get; } = remedy;
}

/// <summary>An idempotency key came again with another request.</summary>
public sealed class IdempotencyConflictException(string key)
    : JobsException(
        key,
        "this idempotency key was used for another request",
        "Choose a new key, or send the same request again."
    );
