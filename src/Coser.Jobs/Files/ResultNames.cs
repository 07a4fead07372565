using System.Globalization;
using Coser.Jobs.Model;

namespace Coser.Jobs.Files;

/// <summary>Names to download results under, as <c>coser upscale</c> would name them.</summary>
internal static class ResultNames
{
    private const int Longest = 120;

    /// <summary>"photo.x4.jpg" of "photo.jpg"; "photo.x4.reference.png" for what is not the result.</summary>
    /// <param name="name">What the owner calls the photo: it may hold anything.</param>
    public static string For(string name, double scale, JobFile file)
    {
        string last = name.Split('/', '\\')[^1];
        string stem = string.Concat(
                Path.GetFileNameWithoutExtension(last)
                    .Select(c => char.IsControl(c) || "<>:\"|?*".Contains(c, StringComparison.Ordinal) ? '_' : c)
            )
            .TrimStart('.');
        if (stem.Length > Longest)
            stem = stem[..Longest];
        if (stem.Length == 0)
            stem = "photo";
        string factor = scale.ToString("0.###", CultureInfo.InvariantCulture);
        string role = file.Role == JobFile.ResultRole ? "" : "." + file.Role;
        return $"{stem}.x{factor}{role}{Path.GetExtension(file.Name)}";
    }
}
