namespace Coser.Tests;

/// <summary>Tests that read or set what the whole process shares: the count of live tensors, the global seed.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessWide
{
    public const string Name = "process-wide";
}
