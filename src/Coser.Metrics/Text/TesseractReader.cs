using System.Diagnostics;
using System.Globalization;
using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Text;

/// <summary>Reads words with tesseract (Debian's package <c>tesseract-ocr</c>), a program of its own.</summary>
public sealed class TesseractReader
{
    // Small letters are read better enlarged; boxes are in enlarged pixels, the same for images of one size.
    private const int EnlargedBelow = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private readonly string _program;

    private TesseractReader(string program, string version, string language) =>
        (_program, Version, Language) = (program, version, language);

    /// <summary>As the program says it: "tesseract 5.3.0".</summary>
    public string Version { get; }

    /// <summary>Languages it reads.</summary>
    public string Language { get; }

    /// <summary>Asks the program for its version and languages.</summary>
    /// <param name="program">A path, or a name that is looked for in <c>PATH</c>.</param>
    /// <param name="wanted">What is missing, if the result is null.</param>
    public static TesseractReader? Find(string program, string language, out string wanted)
    {
        wanted = $"the program {program} (Debian: apt install tesseract-ocr)";
        try
        {
            (int exit, string version, string also) = Run(program, "--version");
            if (exit != 0)
                return null;
            string first = (version.Length > 0 ? version : also).Split('\n')[0].Trim();
            (_, string list, string more) = Run(program, "--list-langs");
            string[] known = (list + '\n' + more).Split('\n', StringSplitOptions.TrimEntries);
            if (language.Split('+').FirstOrDefault(l => !known.Contains(l, StringComparer.Ordinal)) is { } missing)
            {
                wanted = $"tesseract's language '{missing}' (Debian: apt install tesseract-ocr-{missing})";
                return null;
            }
            return new TesseractReader(program, first, language);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return null; // no such program, or not one that can be started
        }
    }

    /// <summary>All words of an image, with the program's confidence in each.</summary>
    /// <param name="image">[1,3,H,W], [0,1].</param>
    /// <exception cref="InvalidDataException">The program failed; the message has its own words.</exception>
    public IReadOnlyList<TextWord> Read(Tensor image)
    {
        string file = Path.Combine(Path.GetTempPath(), $"coser-text-{Guid.NewGuid():n}.png");
        try
        {
            using (var scope = NewDisposeScope())
            using (Photo photo = Photo.FromPixels(Enlarged(image)))
                photo.Save(file);
            // 11: sparse text, as signs are; no page of lines is expected.
            (int exit, string table, string errors) = Run(
                _program,
                file,
                "stdout",
                "-l",
                Language,
                "--dpi",
                "150",
                "--psm",
                "11",
                "tsv"
            );
            return exit == 0
                ? Words(table)
                : throw new InvalidDataException($"{_program} failed ({exit}): {errors.Trim()}");
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            throw new InvalidDataException($"{_program} cannot be run: {e.Message}", e);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The words of the program's table (level, page, block, paragraph, line, word, box, confidence, text).</summary>
    internal static IReadOnlyList<TextWord> Words(string table)
    {
        var words = new List<TextWord>();
        foreach (string line in table.Split('\n'))
        {
            string[] cells = line.TrimEnd('\r').Split('\t');
            // Level 5 is a word; everything else are boxes around words.
            if (cells is not ["5", _, _, _, _, _, var left, var top, var width, var height, var sure, var text])
                continue;
            if (text.Trim().Length > 0)
                words.Add(
                    new TextWord(
                        text.Trim(),
                        double.Parse(sure, CultureInfo.InvariantCulture),
                        int.Parse(left, CultureInfo.InvariantCulture),
                        int.Parse(top, CultureInfo.InvariantCulture),
                        int.Parse(width, CultureInfo.InvariantCulture),
                        int.Parse(height, CultureInfo.InvariantCulture)
                    )
                );
        }
        return words;
    }

    private static Tensor Enlarged(Tensor image)
    {
        (long h, long w) = (image.shape[2], image.shape[3]);
        return Math.Max(h, w) >= EnlargedBelow
            ? image
            : nn
                .functional.interpolate(
                    image,
                    size: [2 * h, 2 * w],
                    mode: InterpolationMode.Bicubic,
                    align_corners: false
                )
                .clamp(0, 1);
    }

    private static (int Exit, string Output, string Errors) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // Its threads wait for each other more than they work.
        start.Environment["OMP_THREAD_LIMIT"] = "1";
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidDataException($"{program} has not ended after {Patience.TotalMinutes} minutes.");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }
}
