using System.CommandLine;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Engine;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using static TorchSharp.torch;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset latents</c></summary>
internal static class LatentsCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "latents",
            "Encodes views of the photos once, for the training of diffusion models. A run that was stopped goes on."
        );
        var data = new Option<DirectoryInfo>("--data")
        {
            HelpName = "folder",
            Description = "Data set: index.jsonl and photos/.",
            Required = true,
        };
        var model = new Option<string>("--model")
        {
            HelpName = "name|folder",
            Description = "Model whose networks look at the photos; at least an autoencoder.",
            Required = true,
        };
        var output = new Option<DirectoryInfo>("--output", "-o")
        {
            HelpName = "folder",
            Description = "Gets latents.json and files of 512 views each.",
            Required = true,
        };
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
        var degraded = new Option<bool>("--degraded")
        {
            Description = "Degrade every view, too: its latent and, where the model can, its cognitive embedding.",
        };
        var settings = new Option<FileInfo>("--settings")
        {
            HelpName = "file",
            Description = "Degradation settings (JSON); default: those of CoSeR's reference training.",
        };
        var seed = new Option<ulong>("--seed")
        {
            HelpName = "number",
            Description = "Decides squares and degradations.",
            DefaultValueFactory = _ => 1,
        };
        Option<DeviceChoice> device = Choice.Of<DeviceChoice>(
            "--device",
            "Where the networks run; auto takes a CUDA GPU when there is one."
        );
        foreach (Option option in new Option[] { data, model, output, size, views, degraded, settings, seed, device })
            command.Add(option);
        help.Examples(
            command,
            ("coser dataset latents --data photos/ --model models/mine --views 4 -o latents/", "for a prior"),
            ("coser dataset latents --data photos/ --model models/mine --degraded -o latents/", "for the restoration")
        );
        command.SetAction(parsed =>
            Make(
                host,
                parsed.GetRequiredValue(data).FullName,
                parsed.GetRequiredValue(model),
                parsed.GetRequiredValue(output).FullName,
                new LatentSetSettings
                {
                    Size = parsed.GetRequiredValue(size),
                    Views = parsed.GetRequiredValue(views),
                    Seed = parsed.GetRequiredValue(seed),
                    Degradation = parsed.GetValue(degraded) ? Degradation(parsed.GetValue(settings)) : null,
                },
                parsed.GetValue(device)
            )
        );
        return command;
    }

    private static int Make(
        CliHost host,
        string data,
        string modelName,
        string output,
        LatentSetSettings settings,
        DeviceChoice device
    )
    {
        Compute compute = Compute.Choose(device);
        PhotoIndex index = PhotoIndex.Open(data);
        using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(modelName));
        using var networks = new FrozenNetworks(model, compute);
        settings.Validate(networks.Latents.Reduction);
        var writer = new LatentSetWriter(output, settings, index, model.Hash);
        using var noGrad = no_grad();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        long made = writer.WriteViews(index, networks, Report(host), host.Cancel);
        long all = (long)writer.Manifest.Photos.Count * settings.Views;
        host.Out.WriteLine(
            $"{output}: {all} views of {writer.Manifest.Photos.Count} photos, {made} made now"
                + (made > 0 ? $" at {made / clock.Elapsed.TotalSeconds:f1} a second" : "")
        );
        return ExitCode.Success;
    }

    // A line a minute: such a run takes a while.
    private static Action<long, long> Report(CliHost host)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        TimeSpan next = TimeSpan.FromMinutes(1);
        return (done, all) =>
        {
            if (clock.Elapsed < next)
                return;
            next = clock.Elapsed + TimeSpan.FromMinutes(1);
            host.Out.WriteLine($"{done} of {all} views");
        };
    }

    private static DegradationSettings Degradation(FileInfo? file) =>
        file is null ? DegradationSettings.Reference : DegradationSettings.FromJson(File.ReadAllText(file.FullName));
}
