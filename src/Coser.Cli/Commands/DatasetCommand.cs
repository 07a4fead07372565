using System.CommandLine;
using Coser.Cli.Help;
using Coser.Engine;
using Coser.Training.Data;
using Coser.Training.Degradation;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset</c> and <c>coser dataset degrade</c></summary>
internal static class DatasetCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("dataset", "Prepares photos for training and evaluation.");
        command.Add(DatasetBuildCommand.Create(host, help));
        command.Add(DatasetShardCommand.Create(host, help));
        command.Add(CreateDegrade(host, help));
        command.Add(DatasetTestPairsCommand.Create(host, help));
        command.Add(CaptionsCommand.Create(host, help));
        command.Add(DatasetReferencesCommand.Create(host, help));
        command.Add(VocabularyCommand.Create(host, help));
        command.Add(LatentsCommand.Create(host, help));
        help.Examples(
            command,
            ("coser dataset build holiday/ birds/ -o photos/", "make a data set of photos"),
            ("coser dataset degrade --data photos/ -o pairs/", "LR and HR pairs for 'coser eval'"),
            ("coser dataset captions --data photos/ -o captions.jsonl", "describe the photos"),
            ("coser dataset references --data photos/ --model mine -o references.jsonl", "find what looks alike"),
            ("coser dataset vocabulary --captions captions.jsonl -o tokenizer/", "learn the tokens they are made of")
        );
        command.SetAction(_ => CommandLine.ShowHelp(command, help, host));
        return command;
    }

    private static Command CreateDegrade(CliHost host, HelpPages help)
    {
        var command = new Command(
            "degrade",
            "Makes fixed pairs of degraded LR and sharp HR images from seeds (Real-ESRGAN's second-order degradation)."
        );
        Option<DirectoryInfo> data = DatasetOptions.Data();
        Option<DirectoryInfo> output = DatasetOptions.Folder("Gets hr/ and lr/, PNG files of equal names.");
        var split = new Option<string>("--split")
        {
            HelpName = "name",
            Description = "Which photos of the index.",
            DefaultValueFactory = _ => "validation",
        };
        Option<ulong> seed = DatasetOptions.Seed("Seed of the first photo; each next one has the next seed.");
        Option<FileInfo> settings = DatasetOptions.Settings();
        foreach (Option option in new Option[] { data, output, split, seed, settings })
            command.Add(option);
        help.Examples(command, ("coser dataset degrade --data photos/ --seed 7 -o pairs/", ""));
        command.SetAction(parsed =>
            Degrade(
                host,
                parsed.GetRequiredValue(data).FullName,
                parsed.GetRequiredValue(split),
                parsed.GetRequiredValue(seed),
                DatasetOptions.Degradation(parsed.GetValue(settings)),
                parsed.GetRequiredValue(output).FullName
            )
        );
        return command;
    }

    private static int Degrade(
        CliHost host,
        string data,
        string split,
        ulong seed,
        DegradationSettings degradation,
        string output
    )
    {
        NativeEngine.EnsureLoaded();
        PhotoIndex index = PhotoIndex.Open(data);
        IReadOnlyList<PhotoEntry> photos = index.Split(split);
        if (photos.Count == 0)
            throw new InvalidDataException($"{data}: no photo of the split '{split}'.");
        DegradedSet.Write(index, photos, degradation, seed, output, progress: null, host.Cancel);
        host.Out.WriteLine($"{output}: {photos.Count} pairs, seeds from {seed}");
        return ExitCode.Success;
    }
}
