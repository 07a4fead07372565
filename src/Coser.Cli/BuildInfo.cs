using System.Reflection;

namespace Coser.Cli;

/// <summary>Which build of the command this is.</summary>
internal static class BuildInfo
{
    private static readonly string[] Parts = (
        typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "0"
    ).Split('+', 2);

    /// <summary>"0.1.0".</summary>
    public static string Version => Parts[0];

    /// <summary>The commit it was built from; null outside a git checkout.</summary>
    public static string? Commit => Parts.Length > 1 ? Parts[1] : null;

    /// <summary>"0.1.0 (commit 1a2b3c…)".</summary>
    public static string Full => Commit is null ? Version : $"{Version} (commit {Commit})";
}
