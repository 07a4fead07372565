using System.CommandLine;
using Coser.Cli.Help;
using Coser.Engine;
using Coser.Training.Data;
using Coser.Training.Degradation;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset test-pairs</c></summary>
internal static class DatasetTestPairsCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "test-pairs",
            "Makes a test set like the paper's ImageNet Test2000 of your ImageNet: photos of each class, degraded by seed."
        );
        var photos = new Option<DirectoryInfo>("--photos")
        {
            HelpName = "folder",
            Description = "A folder of photos, or with a folder of photos a class (ImageNet's train/ or sorted val/).",
            Required = true,
        };
        Option<DirectoryInfo> output = DatasetOptions.Folder(
            "Gets hr/, lr/ and pairs.jsonl; a call that was stopped goes on."
        );
        Option<TestCrop> crop = Choice.Of<TestCrop>(
            "--crop",
            "CoSeR's: shorter side resized to 512, middle square; StableSR's: the middle 512 pixels."
        );
        Option<int?> perClass = Choice.Number<int>(
            "--per-class",
            "Photos of a class (2).",
            n => n > 0,
            "be at least 1"
        );
        Option<int?> count = Choice.Number<int>("--count", "Pairs at most (2000).", n => n > 0, "be at least 1");
        Option<int?> side = Choice.Number<int>(
            "--min-side",
            "Passes over photos with a shorter side below this.",
            n => n >= 0,
            "not be negative"
        );
        Option<ulong> seed = DatasetOptions.Seed("Chooses the photos and degrades them.");
        Option<FileInfo> settings = DatasetOptions.Settings();
        foreach (Option option in new Option[] { photos, output, crop, perClass, count, side, seed, settings })
            command.Add(option);
        help.Examples(
            command,
            ("coser dataset test-pairs --photos imagenet/val/ -o test2000/", "two photos of each of 1000 classes"),
            ("coser eval --protocol imagenet-test2000 --lr test2000/lr --hr test2000/hr --method table1", "")
        );
        command.SetAction(parsed =>
        {
            NativeEngine.EnsureLoaded();
            var defaults = new TestPairSettings();
            string target = parsed.GetRequiredValue(output).FullName;
            var pairs = new TestPairs(
                defaults with
                {
                    Crop = parsed.GetValue(crop),
                    PerClass = parsed.GetValue(perClass) ?? defaults.PerClass,
                    Count = parsed.GetValue(count) ?? defaults.Count,
                    MinSide = parsed.GetValue(side) ?? defaults.MinSide,
                    Seed = parsed.GetValue(seed),
                    Degradation = parsed.GetValue(settings) is { } file
                        ? DegradationSettings.Read(file.FullName)
                        : defaults.Degradation,
                }
            );
            int made = pairs.Write(parsed.GetRequiredValue(photos).FullName, target, progress: null, host.Cancel);
            foreach (string reason in pairs.PassedOver)
                host.Error.WriteLine($"passed over: {reason}");
            host.Out.WriteLine($"{target}: {made} pairs");
            return ExitCode.Success;
        });
        return command;
    }
}
