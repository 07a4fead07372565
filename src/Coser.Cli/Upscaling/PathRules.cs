using Coser.Imaging;

namespace Coser.Cli.Upscaling;

/// <summary>How paths are compared and which names mean something.</summary>
internal static class PathRules
{
    /// <summary>File names ignore case on Windows and (by default) on macOS.</summary>
    public static bool IgnoreCase => OperatingSystem.IsWindows() || OperatingSystem.IsMacOS();

    public static StringComparer Comparer => IgnoreCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    /// <summary>A file that is taken where a folder or glob is given.</summary>
    public static bool IsInput(string path) => PhotoFormats.IsReadable(path);

    /// <summary>A name that can be written.</summary>
    public static bool IsOutput(string path) => PhotoFormats.FromPath(path) is not null;

    public static bool EndsAsFolder(string path) =>
        path.Length > 0 && (path[^1] == Path.DirectorySeparatorChar || path[^1] == Path.AltDirectorySeparatorChar);

    /// <summary>"photo" for "photo.x4.jpg", the way results are named; null for other names.</summary>
    public static string? ResultStem(string path)
    {
        string stem = Path.GetFileNameWithoutExtension(path);
        int dot = stem.LastIndexOf(".x", StringComparison.Ordinal);
        while (dot > 0)
        {
            if (double.TryParse(stem.AsSpan(dot + 2), System.Globalization.NumberStyles.AllowDecimalPoint, null, out _))
                return stem[..dot];
            dot = stem.LastIndexOf(".x", dot - 1, StringComparison.Ordinal);
        }
        return null;
    }

    /// <summary>The file a path stands for, links followed, so that a photo is not overwritten through a second name.</summary>
    public static string Target(string fullPath)
    {
        try
        {
            return File.ResolveLinkTarget(fullPath, returnFinalTarget: true)?.FullName ?? fullPath;
        }
        catch (IOException)
        {
            return fullPath;
        }
    }
}
