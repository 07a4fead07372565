using System.Globalization;
using Coser.Imaging;

namespace Coser.Cli.Upscaling;

/// <summary>One photo and the file it becomes.</summary>
/// <param name="OutputName">The output's path as the user would write it, for messages.</param>
internal sealed record PlannedPhoto(PhotoInput Input, string Output, string OutputName, PhotoFormat Format);

/// <summary>Decides every output's name before any work, and refuses plans in which files would be lost.</summary>
/// <param name="workingFolder">What relative paths are relative to.</param>
/// <param name="output">The value of --output; null to write beside the inputs.</param>
/// <param name="format">The value of --format; null to keep each input's own.</param>
internal sealed class OutputPlan(string workingFolder, string? output, double scale, PhotoFormat? format)
{
    // Names a user may expect to work; a folder of that name would be a surprise.
    private static readonly string[] ForeignExtensions =
    [
        ".bmp",
        ".gif",
        ".heic",
        ".heif",
        ".jp2",
        ".jxl",
        ".pdf",
        ".psd",
        ".svg",
    ];

    /// <exception cref="UsageException">Two inputs would write one file, an output is an input, or --output does not fit.</exception>
    public IReadOnlyList<PlannedPhoto> Create(IReadOnlyList<PhotoInput> inputs)
    {
        bool toFile = IsFile(inputs.Count);
        PlannedPhoto[] plan = [.. inputs.Select(i => toFile ? ToFile(i) : ToFolder(i))];
        CheckCollisions(plan);
        return plan;
    }

    /// <summary>"x4", "x2.5".</summary>
    public static string Suffix(double scale) => "x" + scale.ToString("0.###", CultureInfo.InvariantCulture);

    private bool IsFile(int inputs)
    {
        if (output is null)
            return false;
        string full = Path.GetFullPath(output, workingFolder);
        if (Directory.Exists(full) || PathRules.EndsAsFolder(output))
            return false;
        if (ForeignExtensions.Contains(Path.GetExtension(output), StringComparer.OrdinalIgnoreCase))
            throw new UsageException($"--output {output}: this format cannot be written; use {PhotoFormats.Names}.");
        bool photoName = PathRules.IsOutput(output);
        if (!photoName && File.Exists(full))
            throw new UsageException($"--output {output} is a file, not a folder, and has no photo extension.");
        if (photoName && inputs != 1)
        {
            throw new UsageException(
                $"--output {output} names one file, but there are {inputs} inputs. Name a folder: --output {output}{Path.DirectorySeparatorChar}"
            );
        }
        return photoName;
    }

    private PlannedPhoto ToFile(PhotoInput input)
    {
        PhotoFormat named = PhotoFormats.FromPath(output!)!.Value;
        if (format is { } wanted && wanted != named)
            throw new UsageException(
                $"--output {output} and --format {wanted.ToString().ToLowerInvariant()} disagree."
            );
        return new PlannedPhoto(input, Path.GetFullPath(output!, workingFolder), output!, named);
    }

    private PlannedPhoto ToFolder(PhotoInput input)
    {
        // Something readable but not writable (GIF, a name without extension) becomes PNG: nothing is lost.
        PhotoFormat? own = PhotoFormats.FromPath(input.FullPath);
        PhotoFormat chosen = format ?? own ?? PhotoFormat.Png;
        string extension = chosen == own ? Path.GetExtension(input.FullPath) : chosen.Extension();
        string file = $"{Path.GetFileNameWithoutExtension(input.FullPath)}.{Suffix(scale)}{extension}";
        string name = output is null
            ? Path.Combine(Path.GetDirectoryName(input.Name) ?? "", file)
            : Path.Combine(output, Path.GetDirectoryName(input.Relative) ?? "", file);
        return new PlannedPhoto(input, Path.GetFullPath(name, workingFolder), name, chosen);
    }

    private static void CheckCollisions(PlannedPhoto[] plan)
    {
        var inputs = new Dictionary<string, PhotoInput>(PathRules.Comparer);
        foreach (PlannedPhoto photo in plan)
            inputs.TryAdd(PathRules.Target(photo.Input.FullPath), photo.Input);
        var outputs = new Dictionary<string, PlannedPhoto>(PathRules.Comparer);
        foreach (PlannedPhoto photo in plan)
        {
            string target = PathRules.Target(photo.Output);
            if (inputs.TryGetValue(target, out PhotoInput? input))
            {
                throw new UsageException(
                    $"The result of {photo.Input.Name} would overwrite the input {input.Name}. Choose another --output."
                );
            }
            if (!outputs.TryAdd(target, photo))
            {
                throw new UsageException(
                    $"{outputs[target].Input.Name} and {photo.Input.Name} would both write {photo.OutputName}. "
                        + "Choose another --output or --format, or run them apart."
                );
            }
        }
    }
}
