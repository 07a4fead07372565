using System.CommandLine;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Cli.Commands;

/// <summary><c>coser reference</c></summary>
internal static class ReferenceCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "reference",
            "Paints the reference image of a photo: what the model believes it sees. Nothing is restored."
        );
        var photo = new Argument<string>("photo") { Description = "The photo to understand." };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Where the picture goes; its extension decides the format.",
            HelpName = "file",
        };
        var model = new Option<string>("--model")
        {
            Description = "Model to use: a name ('coser models list') or a model's folder.",
            HelpName = "name|folder",
            DefaultValueFactory = _ => UpscaleCommand.DefaultModel,
        };
        Option<DeviceChoice> device = Choice.Of<DeviceChoice>("--device", "Where the networks run.");
        Option<Precision> precision = Choice.Of<Precision>("--precision", "Number format of the networks.");
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace a file that exists." };
        var picture = new PictureOptions();
        command.Add(photo);
        help.Group(command, "Output", output, overwrite);
        picture.AddTo(command, help, model);
        help.Group(command, "Machine", device, precision);
        help.Default(output, "photo.reference.png beside the photo");
        help.Default(model, UpscaleCommand.DefaultModel);
        help.Default(device, "auto");
        help.Default(precision, "auto");
        help.Examples(
            command,
            ("coser reference photo.jpg", "writes photo.reference.png"),
            ("coser reference photo.jpg --prompt \"a red fox\" --seed 7", "another idea of it")
        );
        command.SetAction(parsed =>
        {
            string input = Path.GetFullPath(parsed.GetRequiredValue(photo), host.WorkingFolder);
            string target = parsed.GetValue(output) is { } named
                ? Path.GetFullPath(named, host.WorkingFolder)
                : Path.ChangeExtension(input, null) + ".reference.png";
            if (PhotoFormats.FromPath(target) is null)
                throw new UsageException($"--output {target}: its extension is no format that can be written.");
            if (File.Exists(target) && !parsed.GetValue(overwrite))
                throw new UsageException($"{target} exists. Use --overwrite to replace it, or another --output.");
            var request = new RestorerRequest(
                parsed.GetRequiredValue(model),
                parsed.GetValue(device),
                parsed.GetValue(precision),
                Threads: null,
                MaxPixels: null
            );
            using IPhotoRestorer restorer = host.OpenRestorer(request);
            var job = new RestoreJob(input, target, picture.Read(parsed).Options, new SaveOptions());
            restorer.Imagine(job, new Progress(host), host.Cancel);
            host.Out.WriteLine(target);
            return ExitCode.Success;
        });
        return command;
    }

    private sealed class Progress(CliHost host) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value)
        {
            if (host.IsLive)
                host.Error.Write($"\r{value.Stage} {value.Step}/{value.Steps} ");
        }
    }
}
