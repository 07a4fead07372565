using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Imaging;
using Coser.Metrics.Niqe;
using static TorchSharp.torch;

namespace Coser.Cli.Commands;

/// <summary><c>coser eval niqe-prior</c></summary>
internal static class NiqePriorCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("niqe-prior", "Fits a prior for NIQE to the sharp parts of good photos.");
        var photos = new Option<DirectoryInfo>("--photos")
        {
            HelpName = "folder",
            Description =
                "Photos, with sub-folders; or a data set with index.jsonl, of which its training photos count.",
            Required = true,
        };
        var output = new Option<FileInfo>("--output", "-o")
        {
            HelpName = "file",
            Description = "The prior, JSON.",
            Required = true,
        };
        var name = new Option<string>("--name")
        {
            HelpName = "name",
            Description = "What reports call it; default: the file's name.",
        };
        Option<int?> every = Choice.Number<int>("--every", "Only every so many photos.", n => n > 0, "be at least 1");
        foreach (Option option in new Option[] { photos, output, name, every })
            command.Add(option);
        help.Examples(command, ("coser eval niqe-prior --photos good/ -o prior.json", ""));
        command.SetAction(parsed =>
        {
            string target = parsed.GetRequiredValue(output).FullName;
            return Fit(
                host,
                parsed.GetRequiredValue(photos).FullName,
                target,
                parsed.GetValue(name) ?? Path.GetFileNameWithoutExtension(target),
                parsed.GetValue(every) ?? 1
            );
        });
        return command;
    }

    private static int Fit(CliHost host, string folder, string target, string name, int every)
    {
        NativeEngine.EnsureLoaded();
        var fit = new NiqeFit();
        foreach (string file in Photos(folder).Where((_, i) => i % every == 0))
        {
            host.Cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using Photo photo = Photo.Open(file);
            fit.Add(photo.Read(new PixelArea(0, 0, photo.Width, photo.Height)));
        }
        NiqePrior prior;
        try
        {
            prior = fit.Make(name);
        }
        catch (InvalidOperationException e)
        {
            throw new UsageException($"{folder}: {e.Message}.");
        }
        string source = string.Create(
            CultureInfo.InvariantCulture,
            $"{fit.Blocks} sharp blocks of {prior.Block} pixels in {fit.Photos} photos"
        );
        prior.Save(target, source);
        host.Out.WriteLine($"{target}: '{prior.Name}', {source}");
        return ExitCode.Success;
    }

    private static List<string> Photos(string folder)
    {
        string index = Path.Combine(folder, "index.jsonl");
        if (!File.Exists(index))
            return
            [
                .. Directory
                    .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                    .Where(PhotoFormats.IsReadable)
                    .Order(StringComparer.Ordinal),
            ];
        var files = new List<string>();
        foreach (string line in File.ReadLines(index))
        {
            using JsonDocument photo = JsonDocument.Parse(line);
            if (photo.RootElement.GetProperty("split").GetString() == "train")
                files.Add(Path.Combine(folder, "photos", photo.RootElement.GetProperty("file").GetString()!));
        }
        files.Sort(StringComparer.Ordinal);
        return files;
    }
}
