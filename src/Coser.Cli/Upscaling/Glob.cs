using System.IO.Enumeration;

namespace Coser.Cli.Upscaling;

/// <summary>
/// Expands <c>*</c>, <c>?</c> and <c>**</c> where the shell did not (Windows, quotes, shells without globstar).
/// A glob matches files; hidden names only where the pattern spells out the dot.
/// </summary>
internal static class Glob
{
    public static bool IsGlob(string path) => path.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <summary>The part before the first segment with a wildcard: "photos/raw" of "photos/raw/**/*.png".</summary>
    public static string FixedPart(string pattern)
    {
        (string start, Queue<string> segments) = Split(pattern);
        while (segments.Count > 1 && !IsGlob(segments.Peek()))
            start = Path.Combine(start, segments.Dequeue());
        return start;
    }

    /// <summary>Files that match, in ordinal order of their paths, written like the pattern (relative to <paramref name="folder"/>).</summary>
    public static IReadOnlyList<string> Expand(string pattern, string folder) =>
        [.. Stream(pattern, folder).Distinct(PathRules.Comparer).Order(StringComparer.Ordinal)];

    /// <summary>The same as they are found, a folder at a time; two <c>**</c> may find a file twice.</summary>
    public static IEnumerable<string> Stream(string pattern, string folder)
    {
        (string start, Queue<string> segments) = Split(pattern);
        IEnumerable<string> level = [start];
        while (segments.Count > 1)
        {
            string segment = segments.Dequeue();
            level =
                segment == "**" ? level.SelectMany(d => WithFoldersBelow(d, folder))
                : IsGlob(segment) ? level.SelectMany(d => Entries(d, folder, segment, folders: true))
                : level.Select(d => Path.Combine(d, segment)).Where(d => Directory.Exists(Full(d, folder)));
        }
        string last = segments.Count > 0 ? segments.Dequeue() : "*";
        if (last == "**")
        {
            level = level.SelectMany(d => WithFoldersBelow(d, folder));
            last = "*";
        }
        return level.SelectMany(d => Entries(d, folder, last, folders: false));
    }

    private static (string Start, Queue<string> Segments) Split(string pattern)
    {
        string root = Path.GetPathRoot(pattern) ?? "";
        string[] segments = pattern[root.Length..]
            .Split(
                [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar],
                StringSplitOptions.RemoveEmptyEntries
            );
        return (root, new Queue<string>(segments));
    }

    private static string Full(string path, string folder) => Path.GetFullPath(path, folder);

    private static IEnumerable<string> WithFoldersBelow(string path, string folder) =>
        Directory.Exists(Full(path, folder))
            ? Entries(path, folder, "*", folders: true).SelectMany(d => WithFoldersBelow(d, folder)).Prepend(path)
            : [];

    private static string[] Entries(string path, string folder, string segment, bool folders)
    {
        var info = new DirectoryInfo(Full(path, folder));
        if (!info.Exists)
            return [];
        bool hidden = segment.StartsWith('.');
        return
        [
            .. info.EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = FileAttributes.None })
                // A linked folder may lead back to where it lies.
                .Where(e => e is DirectoryInfo == folders && (!folders || e.LinkTarget is null))
                .Where(e => hidden || !e.Name.StartsWith('.'))
                .Where(e => FileSystemName.MatchesSimpleExpression(segment, e.Name, PathRules.IgnoreCase))
                .Select(e => Path.Combine(path, e.Name)),
        ];
    }
}
