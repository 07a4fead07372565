using Coser.Imaging;

namespace Coser.Training.Data;

/// <summary>A photo before it is in a data set.</summary>
/// <param name="Path">Full path.</param>
/// <param name="Source">Name of the folder that was given.</param>
/// <param name="Relative">Path below it, with '/'.</param>
/// <param name="Label">Its class; empty: none.</param>
public sealed record SourcePhoto(string Path, string Source, string Relative, string Label);

/// <summary>Finds the photos of folders, with their classes.</summary>
public static class PhotoSources
{
    /// <summary>The photos below some folders, in an order that follows from their names.</summary>
    /// <param name="labels">Words for the names of class folders, <see cref="ReadLabels"/>; others are read as words
    /// ("golden_retriever": "golden retriever").</param>
    /// <exception cref="InvalidDataException">A folder does not exist, or two have one name.</exception>
    public static IReadOnlyList<SourcePhoto> Find(
        IReadOnlyList<string> folders,
        IReadOnlyDictionary<string, string> labels
    )
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var photos = new List<SourcePhoto>();
        foreach (string folder in folders)
        {
            string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
            if (!Directory.Exists(root))
                throw new InvalidDataException($"{folder}: there is no such folder. Name folders of photos.");
            string name = Path.GetFileName(root);
            if (!names.Add(name))
                throw new InvalidDataException(
                    $"{folder}: a second folder called '{name}'. Rename one: photos are told apart by it."
                );
            var options = new EnumerationOptions { RecurseSubdirectories = true }; // hidden files are left out
            photos.AddRange(
                Directory
                    .EnumerateFiles(root, "*", options)
                    .Where(PhotoFormats.IsReadable)
                    .Select(f => Path.GetRelativePath(root, f).Replace('\\', '/'))
                    .Order(StringComparer.Ordinal)
                    .Select(f => new SourcePhoto(Path.Combine(root, f), name, f, Label(f, labels)))
            );
        }
        return photos;
    }

    /// <summary>Reads words for class folders: a line each, the folder's name, a tab or the first blank, the words.</summary>
    /// <exception cref="InvalidDataException">It is missing, or a line has no words.</exception>
    public static IReadOnlyDictionary<string, string> ReadLabels(string path)
    {
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: there is no such file. Check --labels.");
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            string[] parts = line.Split(line.Contains('\t') ? '\t' : ' ', 2, StringSplitOptions.TrimEntries);
            if (parts.Length < 2 || parts[1].Length == 0)
                throw new InvalidDataException($"{path}, line {number}: no words. A line is FOLDER, a tab, WORDS.");
            labels[parts[0]] = parts[1];
        }
        return labels;
    }

    // The folder a photo lies in, where that is not the one that was given.
    private static string Label(string relative, IReadOnlyDictionary<string, string> labels)
    {
        string folder = Path.GetFileName(Path.GetDirectoryName(relative) ?? "");
        return labels.GetValueOrDefault(folder) ?? folder.Replace('_', ' ').Trim();
    }
}
