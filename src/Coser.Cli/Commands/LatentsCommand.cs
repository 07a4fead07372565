using System.CommandLine;
using System.Diagnostics;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Engine;
using Coser.Restoration;
using Coser.Training.Data;
using Coser.Training.Latents;
using static TorchSharp.torch;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset latents</c></summary>
internal static class LatentsCommand
{
    private enum Addition
    {
        Reference,
        Sampled,
    }

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "latents",
            "Encodes views of the photos once, for the training of diffusion models. A run that was stopped goes on."
        );
        Option<DirectoryInfo> data = DatasetOptions.Data();
        var model = new Option<string>("--model")
        {
            HelpName = "name|folder",
            Description = "Model whose networks look at the photos; at least an autoencoder.",
            Required = true,
        };
        Option<DirectoryInfo> output = DatasetOptions.Folder("Gets latents.json and files of 512 views each.");
        var size = new Option<int>("--size")
        {
            HelpName = "pixels",
            Description = "Side of a view.",
            DefaultValueFactory = _ => 128,
        };
        var views = new Option<int>("--views")
        {
            HelpName = "number",
            Description = "Views of each photo: squares of random size and place.",
            DefaultValueFactory = _ => 1,
        };
        Option<int?> photos = Choice.Number<int>(
            "--photos",
            "Training photos at most, evenly spread; default: all.",
            n => n > 0,
            "be a whole number above 0"
        );
        var degraded = new Option<bool>("--degraded")
        {
            Description = "Degrade every view, too: its latent and, where the model can, its cognitive embedding.",
        };
        Option<FileInfo> settings = DatasetOptions.Settings();
        Option<ulong> seed = DatasetOptions.Seed("Decides squares and degradations.");
        Option<DeviceChoice> device = Choice.Of<DeviceChoice>(
            "--device",
            "Where the networks run; auto takes a CUDA GPU when there is one."
        );
        Option<Addition?> add = Choice.Maybe<Addition>(
            "--add",
            "To a set that is there: references the model paints, or latents as it restores them."
        );
        Option<Preset> preset = Choice.Of<Preset>("--preset", "With --add: how the model samples.");
        foreach (
            Option option in new Option[]
            {
                data,
                model,
                output,
                size,
                views,
                photos,
                degraded,
                settings,
                seed,
                add,
                preset,
                device,
            }
        )
            command.Add(option);
        help.Examples(
            command,
            ("coser dataset latents --data D --model M --views 4 -o L", "for a prior"),
            ("coser dataset latents --data D --model M --degraded -o L", "for the restoration"),
            ("coser dataset latents --data D --model M -o L --add reference", "paint references for a set")
        );
        command.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(output).FullName;
            using ModelDirectory opened = ModelDirectory.Open(ModelDirectory.Find(parsed.GetRequiredValue(model)));
            Compute compute = Compute.Choose(parsed.GetValue(device));
            if (parsed.GetValue(add) is { } addition)
                return Add(host, opened, folder, addition, parsed.GetValue(preset), compute);
            return Make(
                host,
                PhotoIndex.Open(parsed.GetRequiredValue(data).FullName),
                opened,
                folder,
                new LatentSetSettings
                {
                    Size = parsed.GetRequiredValue(size),
                    Views = parsed.GetRequiredValue(views),
                    TrainingPhotos = parsed.GetValue(photos),
                    Seed = parsed.GetRequiredValue(seed),
                    Degradation = parsed.GetValue(degraded)
                        ? DatasetOptions.Degradation(parsed.GetValue(settings))
                        : null,
                    Enlargement = (opened.Manifest.Restoration ?? new RestorationConfig()).Enlargement,
                },
                compute
            );
        });
        return command;
    }

    private static int Make(
        CliHost host,
        PhotoIndex index,
        ModelDirectory model,
        string output,
        LatentSetSettings settings,
        Compute compute
    )
    {
        using var networks = new FrozenNetworks(model, compute);
        settings.Validate(networks.Latents.Reduction);
        var writer = new LatentSetWriter(output, settings, index, model.Hash);
        return Finish(host, output, writer, () => writer.WriteViews(index, networks, Report(host), host.Cancel));
    }

    private static int Add(
        CliHost host,
        ModelDirectory model,
        string folder,
        Addition addition,
        Preset preset,
        Compute compute
    )
    {
        using LatentSet set = LatentSet.Open(folder);
        using var painter = new LatentPainter(set, model, preset, compute);
        var writer = new LatentSetWriter(folder);
        (string column, MakeRecords make) = addition switch
        {
            Addition.Reference => (LatentSet.Reference, (MakeRecords)painter.Reference),
            _ => (LatentSet.Sampled, painter.Restored),
        };
        // What was painted in another way is painted anew.
        string made = $"{model.Hash} {preset}";
        return Finish(host, folder, writer, () => writer.WritePart(column, made, make, Report(host), host.Cancel));
    }

    private static int Finish(CliHost host, string folder, LatentSetWriter writer, Func<long> write)
    {
        using var noGrad = no_grad();
        var clock = Stopwatch.StartNew();
        long made = write();
        host.Out.WriteLine(
            $"{folder}: {writer.Manifest.Count} views of {writer.Manifest.Photos.Count} photos, {made} made now"
                + (made > 0 ? $" at {made / clock.Elapsed.TotalSeconds:f1} a second" : "")
        );
        return ExitCode.Success;
    }

    // A line a minute: such a run takes a while.
    private static Action<long, long> Report(CliHost host)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan next = TimeSpan.FromMinutes(1);
        return (done, all) =>
        {
            if (clock.Elapsed < next)
                return;
            next = clock.Elapsed + TimeSpan.FromMinutes(1);
            host.Out.WriteLine($"{done} of {all} views");
        };
    }
}
