using Coser.Cli.Upscaling;
using Coser.Imaging;

namespace Coser.Cli.Working;

/// <summary>A photo of a manifest.</summary>
/// <param name="Name">As its owner would write it.</param>
/// <param name="Relative">Below the folder it was found through.</param>
internal sealed record ManifestEntry(string Name, string FullPath, string Relative);

/// <summary>
/// Photos of folders, globs and lists, one after another as they are found: a million of them are never in memory. The
/// order is the file system's; what was found twice is sorted out by the tables.
/// </summary>
internal sealed class ManifestSource(string workingFolder, TextReader input)
{
    /// <param name="list">A file with a path a line, or "-" for the input.</param>
    public IEnumerable<ManifestEntry> Read(IReadOnlyList<string> arguments, string? list)
    {
        foreach (string argument in arguments)
        {
            string full = Path.GetFullPath(argument, workingFolder);
            bool glob = !File.Exists(full) && Glob.IsGlob(argument);
            IEnumerable<ManifestEntry> found =
                Directory.Exists(full) ? Below(Path.Combine(argument, "**"), full)
                : glob ? Below(argument, Path.GetFullPath(Glob.FixedPart(argument), workingFolder))
                : [new ManifestEntry(argument, full, Path.GetFileName(full))];
            foreach (ManifestEntry entry in found)
                yield return entry;
        }
        if (list is null)
            yield break;
        using TextReader? file = list == "-" ? null : File.OpenText(Path.GetFullPath(list, workingFolder));
        while ((file ?? input).ReadLine() is { } line)
        {
            if (line.Length == 0)
                continue;
            string full = Path.GetFullPath(line, workingFolder);
            string relative =
                Path.IsPathRooted(line) || line.Contains("..", StringComparison.Ordinal)
                    ? Path.GetFileName(line)
                    : line;
            yield return new ManifestEntry(line, full, relative);
        }
    }

    private IEnumerable<ManifestEntry> Below(string pattern, string root) =>
        Glob.Stream(pattern, workingFolder)
            .Select(name => (Name: name, Full: Path.GetFullPath(name, workingFolder)))
            .Where(f => PathRules.IsInput(f.Full) && !IsResult(f.Full))
            .Select(f => new ManifestEntry(f.Name, f.Full, Path.GetRelativePath(root, f.Full)));

    private static bool IsResult(string path)
    {
        if (PathRules.ResultStem(path) is null)
            return false;
        try
        {
            return OutputRecord.IsOurs(PhotoRecord.Read(path));
        }
        catch (Exception e) when (e is PhotoException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
