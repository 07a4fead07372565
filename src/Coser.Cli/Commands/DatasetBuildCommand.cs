using System.CommandLine;
using System.Globalization;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Imaging;
using Coser.Training.Data;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset build</c></summary>
internal static class DatasetBuildCommand
{
    private const int ProgressEvery = 1000;

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "build",
            "Makes a data set of folders of photos: shrinks them, drops blurry, tiny, unreadable and nearly equal ones. "
                + "A build that was stopped goes on."
        );
        var sources = new Argument<DirectoryInfo[]>("sources")
        {
            HelpName = "folder",
            Description = "Folders of photos; the folder a photo lies in names its class.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<DirectoryInfo> output = DatasetOptions.Folder(
            "The data set: gets photos/, index.jsonl and build.jsonl, which says what became of each photo."
        );
        var labels = new Option<FileInfo>("--labels")
        {
            HelpName = "file",
            Description = "Words for class folders, a line each: folder, tab, words.",
        };
        Option<int?> side = Whole("--side", "Pixels to which the shorter side is shrunk; default 512.", 16, 16384);
        var square = new Option<bool>("--square") { Description = "Cut out the middle square." };
        Option<int?> minSide = Whole(
            "--min-side",
            "Drop photos with a shorter side below this; default 128.",
            16,
            16384
        );
        Option<double?> sharpness = Choice.Number<double>(
            "--min-sharpness",
            "Drop photos whose Laplacian varies less (grey values 0 to 255); default 100, 0 keeps all.",
            s => s is >= 0 and < 1e9,
            "be at least 0"
        );
        Option<int?> distance = Whole(
            "--max-distance",
            "Drop photos that differ from an earlier one in at most so many of 64 bits; default 3, -1 keeps all.",
            -1,
            15
        );
        Option<double?> validation = Choice.Number<double>(
            "--validation",
            "Share of the photos that validate; default 0.02.",
            s => s is >= 0 and < 1,
            "be at least 0 and below 1"
        );
        Option<ulong> seed = DatasetOptions.Seed("Seed of the split.");
        Option<PhotoFormat?> format = Choice.Maybe<PhotoFormat>("--format", "Format of the photos; default webp.");
        Option<int?> quality = Whole("--quality", "Of a lossy format; default 95.", 1, 100);
        Option<int?> workers = Whole("--workers", "Photos at a time; default 2.", 1, 64);
        command.Add(sources);
        foreach (
            Option option in new Option[]
            {
                output,
                labels,
                side,
                square,
                minSide,
                sharpness,
                distance,
                validation,
                seed,
                format,
                quality,
                workers,
            }
        )
            command.Add(option);
        help.Examples(
            command,
            ("coser dataset build holiday/ birds/ -o photos/", ""),
            ("coser dataset build imagenet/train --labels words.txt --side 256 -o photos/", "")
        );
        command.SetAction(parsed =>
        {
            var defaults = new DataSetSettings();
            var settings = new DataSetSettings
            {
                Side = parsed.GetValue(side) ?? defaults.Side,
                Square = parsed.GetValue(square),
                MinSide = parsed.GetValue(minSide) ?? defaults.MinSide,
                MinSharpness = parsed.GetValue(sharpness) ?? defaults.MinSharpness,
                MaxDistance = parsed.GetValue(distance) ?? defaults.MaxDistance,
                Validation = parsed.GetValue(validation) ?? defaults.Validation,
                Seed = parsed.GetValue(seed),
                Format = parsed.GetValue(format) ?? defaults.Format,
                Quality = parsed.GetValue(quality) ?? defaults.Quality,
                Workers = parsed.GetValue(workers) ?? defaults.Workers,
            };
            return Build(
                host,
                [.. parsed.GetRequiredValue(sources).Select(s => s.FullName)],
                parsed.GetValue(labels)?.FullName,
                settings,
                parsed.GetRequiredValue(output).FullName
            );
        });
        return command;
    }

    private static Option<int?> Whole(string name, string description, int least, int most) =>
        Choice.Number<int>(name, description, n => n >= least && n <= most, $"be from {least} to {most}");

    private static int Build(CliHost host, string[] sources, string? labels, DataSetSettings settings, string output)
    {
        NativeEngine.EnsureLoaded();
        IReadOnlyDictionary<string, string> words = labels is null
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : PhotoSources.ReadLabels(labels);
        IReadOnlyList<SourcePhoto> photos = PhotoSources.Find(sources, words);
        if (photos.Count == 0)
            throw new UsageException($"there is no photo in {string.Join(", ", sources)}.");
        int told = 0;
        IReadOnlyList<BuildLine> lines = new DataSetBuilder(settings, output).Build(
            photos,
            line =>
            {
                if (line.Fate == PhotoFate.Unreadable)
                    host.Complain($"{line.Photo}: {line.Reason}. It is left out.");
            },
            done =>
            {
                if (done / ProgressEvery == told / ProgressEvery)
                    return;
                told = done;
                host.Error.WriteLine($"{done} of {photos.Count} photos");
            },
            host.Cancel
        );
        string[] parts =
        [
            .. Enum.GetValues<PhotoFate>()
                .Select(fate => (fate, Count: lines.Count(l => l.Fate == fate)))
                .Where(f => f.Count > 0 || f.fate == PhotoFate.Kept)
                .Select(f =>
                    string.Create(CultureInfo.InvariantCulture, $"{f.Count} {f.fate.ToString().ToLowerInvariant()}")
                ),
        ];
        PhotoIndex data = PhotoIndex.Open(output);
        host.Out.WriteLine(
            $"{output}: {string.Join(", ", parts)}; {data.Split("train").Count} train, "
                + $"{data.Split("validation").Count} validate; build.jsonl says why"
        );
        return ExitCode.Success;
    }
}
