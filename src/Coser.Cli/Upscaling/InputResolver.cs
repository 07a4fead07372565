namespace Coser.Cli.Upscaling;

/// <summary>Turns files, folders and globs into a list of photos, in the order given, each once.</summary>
/// <param name="workingFolder">What relative paths are relative to.</param>
/// <param name="isOurResult">True for a file that carries a record of ours; asked only of names like photo.x4.jpg.</param>
internal sealed class InputResolver(string workingFolder, Func<string, bool> isOurResult)
{
    /// <exception cref="UsageException">A folder or glob holds no photo.</exception>
    public ResolvedInputs Resolve(IReadOnlyList<string> arguments, bool recursive)
    {
        var photos = new List<PhotoInput>();
        var problems = new List<InputProblem>();
        foreach (string argument in arguments)
        {
            string full = Path.GetFullPath(argument, workingFolder);
            if (Directory.Exists(full))
                photos.AddRange(Found(argument, FromFolder(argument, recursive, problems), recursive));
            else if (!File.Exists(full) && Glob.IsGlob(argument))
                photos.AddRange(Found(argument, FromGlob(argument), recursive));
            else
                photos.Add(new PhotoInput(argument, full, Path.GetFileName(full), Named: true));
        }
        PhotoInput[] distinct = [.. photos.DistinctBy(p => p.FullPath, PathRules.Comparer)];
        return new ResolvedInputs(WithoutOwnResults(distinct), problems);
    }

    private List<PhotoInput> Found(string argument, IEnumerable<PhotoInput> candidates, bool recursive)
    {
        PhotoInput[] photos = [.. candidates.Where(p => PathRules.IsInput(p.FullPath))];
        List<PhotoInput> fresh = [.. photos.Where(p => !IsResult(p))];
        if (fresh.Count > 0)
            return fresh;
        string what = Glob.IsGlob(argument) ? "No photo matches" : "There is no photo in";
        string remedy =
            photos.Length > 0 ? $"the {photos.Length} there are results of earlier runs"
            : recursive || Glob.IsGlob(argument) ? "JPEG, PNG, WebP, TIFF, AVIF, GIF and HEIF files count"
            : "--recursive looks into its subfolders, too";
        throw new UsageException($"{what} {argument}: {remedy}.");
    }

    private IEnumerable<PhotoInput> FromGlob(string pattern)
    {
        string root = Path.GetFullPath(Glob.FixedPart(pattern), workingFolder);
        return Glob.Expand(pattern, workingFolder)
            .Select(name => (Name: name, Full: Path.GetFullPath(name, workingFolder)))
            .Select(f => new PhotoInput(f.Name, f.Full, Path.GetRelativePath(root, f.Full), Named: false));
    }

    private IEnumerable<PhotoInput> FromFolder(string argument, bool recursive, List<InputProblem> problems)
    {
        var pending = new Stack<string>([""]);
        while (pending.TryPop(out string? below))
        {
            FileSystemInfo[] entries;
            try
            {
                var folder = new DirectoryInfo(Path.GetFullPath(Path.Combine(argument, below), workingFolder));
                entries = [.. folder.EnumerateFileSystemInfos().OrderBy(e => e.Name, StringComparer.Ordinal)];
            }
            catch (Exception e) when (e is UnauthorizedAccessException or IOException)
            {
                problems.Add(new InputProblem(Path.Combine(argument, below), "the folder cannot be read"));
                continue;
            }
            // Hidden files in a photo folder are thumbnails and leftovers of other programs.
            FileSystemInfo[] visible = [.. entries.Where(e => !e.Name.StartsWith('.'))];
            foreach (FileInfo file in visible.OfType<FileInfo>())
            {
                string relative = Path.Combine(below, file.Name);
                yield return new PhotoInput(Path.Combine(argument, relative), file.FullName, relative, Named: false);
            }
            if (!recursive)
                yield break;
            // Linked folders are left out: they may lead back up. Reversed, so that the stack gives them in order.
            foreach (DirectoryInfo sub in visible.OfType<DirectoryInfo>().Where(d => d.LinkTarget is null).Reverse())
                pending.Push(Path.Combine(below, sub.Name));
        }
    }

    // A shell's *.jpg names photo.x4.jpg beside photo.jpg on the second run: a result next to its own input is left out.
    private IReadOnlyList<PhotoInput> WithoutOwnResults(PhotoInput[] photos)
    {
        HashSet<string> stems = new(
            photos.Select(p => Path.Combine(Path.GetDirectoryName(p.FullPath)!, StemOf(p))),
            PathRules.Comparer
        );
        return
        [
            .. photos.Where(p =>
                PathRules.ResultStem(p.FullPath) is not { } stem
                || !stems.Contains(Path.Combine(Path.GetDirectoryName(p.FullPath)!, stem))
                || !IsResult(p)
            ),
        ];
    }

    private static string StemOf(PhotoInput photo) => Path.GetFileNameWithoutExtension(photo.FullPath);

    private bool IsResult(PhotoInput photo) =>
        PathRules.ResultStem(photo.FullPath) is not null && isOurResult(photo.FullPath);
}
