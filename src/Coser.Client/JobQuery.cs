using System.Globalization;
using Coser.Client.Contract;

namespace Coser.Client;

/// <summary>Which jobs to list.</summary>
public sealed record JobQuery
{
    /// <summary>In one of these states; empty: any.</summary>
    public IReadOnlyList<JobStatus> States { get; init; } = [];

    /// <summary>This job, and those that restore its photo once more.</summary>
    public string? Root { get; init; }

    /// <summary>Whose name contains this.</summary>
    public string? Name { get; init; }

    /// <summary>Jobs a page, 1 to 200.</summary>
    public int Limit { get; init; } = 50;

    /// <summary>Older than this: <see cref="JobPage.Next"/> of the page before.</summary>
    public long? Before { get; init; }

    internal string ToQuery()
    {
        List<string> parts = [$"limit={Limit.ToString(CultureInfo.InvariantCulture)}"];
        if (States.Count > 0)
            parts.Add("state=" + string.Join(',', States.Select(s => s.ToString().ToLowerInvariant())));
        if (Root is not null)
            parts.Add("root=" + Uri.EscapeDataString(Root));
        if (Name is not null)
            parts.Add("name=" + Uri.EscapeDataString(Name));
        if (Before is { } before)
            parts.Add("before=" + before.ToString(CultureInfo.InvariantCulture));
        return "?" + string.Join('&', parts);
    }
}
