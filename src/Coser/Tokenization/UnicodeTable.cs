namespace Coser.Tokenization;

/// <summary>Tables of the Unicode and HTML standards that .NET does not have, or not without ICU: embedded text.</summary>
internal static class UnicodeTable
{
    /// <summary>The lines of a table, split at spaces, without its comments.</summary>
    public static IEnumerable<string[]> Read(string name)
    {
        using Stream stream = typeof(UnicodeTable).Assembly.GetManifestResourceStream(typeof(UnicodeTable), name)!;
        using var lines = new StreamReader(stream);
        while (lines.ReadLine() is { } line)
        {
            if (!line.StartsWith('#'))
                yield return line.Split(' ');
        }
    }
}
