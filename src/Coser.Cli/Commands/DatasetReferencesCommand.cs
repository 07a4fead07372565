using System.CommandLine;
using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Cli.Help;
using Coser.Engine;
using Coser.Networks.Clip;
using Coser.Training.Data;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset references</c></summary>
internal static class DatasetReferencesCommand
{
    private const int ProgressEvery = 1000;

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "references",
            "Finds for each photo the training photos most like it by CLIP: of its label, or of all where that has few."
        );
        Option<DirectoryInfo> data = DatasetOptions.Data();
        var model = new Option<string>("--model")
        {
            HelpName = "model",
            Description = "Name or folder of a model with a CLIP.",
            Required = true,
        };
        Option<FileInfo> output = DatasetOptions.OutputFile("References, a JSON object a photo.");
        Option<int?> count = Choice.Number<int>(
            "--count",
            "References a photo; default 10.",
            n => n is >= 1 and <= 1000,
            "be from 1 to 1000"
        );
        Option<DeviceChoice> device = Choice.Of<DeviceChoice>("--device", "Where CLIP runs.");
        Option<Precision> precision = Choice.Of<Precision>("--precision", "Number format of CLIP.");
        foreach (Option option in new Option[] { data, model, output, count, device, precision })
            command.Add(option);
        help.Examples(command, ("coser dataset references --data photos/ --model mine -o references.jsonl", ""));
        command.SetAction(parsed =>
            Find(
                host,
                parsed.GetRequiredValue(data).FullName,
                parsed.GetRequiredValue(model),
                parsed.GetRequiredValue(output).FullName,
                parsed.GetValue(count) ?? 10,
                Compute.Choose(parsed.GetValue(device), parsed.GetValue(precision))
            )
        );
        return command;
    }

    private static int Find(CliHost host, string folder, string model, string output, int count, Compute compute)
    {
        PhotoIndex data = PhotoIndex.Open(folder);
        using ModelDirectory directory = ModelDirectory.Open(ModelDirectory.Find(model));
        using ClipModel clip = directory.Load(ComponentNames.Clip, NetworkKinds.Clip, compute.Device, compute.DType);
        int told = 0;
        (int photos, int borrowed) = new ReferenceSearch(clip, directory.Hash, compute.Device) { Count = count }.Write(
            data,
            output,
            done =>
            {
                if (done / ProgressEvery == told / ProgressEvery)
                    return;
                told = done;
                host.Error.WriteLine($"{done} of {data.Entries.Count} photos");
            },
            host.Cancel
        );
        string others = borrowed > 0 ? $"; {borrowed} take theirs from all labels" : "";
        host.Out.WriteLine($"{output}: references of {photos} photos{others}");
        return ExitCode.Success;
    }
}
