namespace Coser.Cli.Upscaling;

/// <summary>Makes the folder of an output and shows that it can be written, before minutes are spent on a photo.</summary>
internal static class OutputFolder
{
    /// <summary>Returns the folders that were created, outermost first.</summary>
    /// <exception cref="IOException">The folder cannot be made or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be made or written.</exception>
    public static IReadOnlyList<string> Prepare(string file)
    {
        string folder = Path.GetDirectoryName(file)!;
        var created = new List<string>();
        for (string? at = folder; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            created.Insert(0, at);
        Directory.CreateDirectory(folder);
        string probe = Path.Combine(folder, $".coser-{Guid.NewGuid():n}.tmp");
        new FileStream(
            probe,
            FileMode.CreateNew,
            FileAccess.Write,
            FileShare.None,
            1,
            FileOptions.DeleteOnClose
        ).Dispose();
        return created;
    }

    /// <summary>Takes created folders away again where nothing came to lie in them.</summary>
    public static void Undo(IReadOnlyList<string> created)
    {
        foreach (string folder in created.Reverse())
        {
            if (Directory.EnumerateFileSystemEntries(folder).Any())
                return;
            Directory.Delete(folder);
        }
    }
}
