using System.Security.Cryptography;

namespace Coser.Evaluation;

/// <summary>What files hold, whatever they are called and whenever they were written.</summary>
internal static class ContentHash
{
    /// <summary>SHA-256 of a file.</summary>
    public static byte[] Of(string path)
    {
        using FileStream file = File.OpenRead(path);
        return SHA256.HashData(file);
    }

    /// <summary>The first 16 hexadecimal digits of each, joined.</summary>
    public static string Text(params IEnumerable<string> paths) =>
        string.Join(' ', paths.Select(p => Convert.ToHexStringLower(Of(p))[..16]));
}
