using System.CommandLine;
using System.Globalization;
using Coser.Cli.Help;
using Coser.Cli.Models;
using Coser.Cli.Upscaling;
using Coser.Training.Data;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset shard</c></summary>
internal static class DatasetShardCommand
{
    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("KIB", 1L << 10),
        ("MIB", 1L << 20),
        ("GIB", 1L << 30),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
    ];

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "shard",
            "Writes a data set as tar shards (WebDataset), which every command takes in place of a folder of photos."
        );
        var data = new Argument<DirectoryInfo>("data")
        {
            HelpName = "folder",
            Description = "Data set: index.jsonl and photos/, or shards of another size.",
        };
        Option<DirectoryInfo> output = DatasetOptions.Folder("A new folder; gets shard-000000.tar and so on.");
        var size = new Option<string>("--size")
        {
            HelpName = "size",
            Description = "Most bytes of a shard: 256MB, 1GiB.",
            DefaultValueFactory = _ => "256MB",
        };
        command.Add(data);
        command.Add(output);
        command.Add(size);
        help.Examples(command, ("coser dataset shard photos/ -o shards/ --size 1GB", ""));
        command.SetAction(parsed =>
        {
            long bytes = ParseSize(parsed.GetRequiredValue(size));
            string folder = parsed.GetRequiredValue(output).FullName;
            PhotoIndex index = PhotoIndex.Open(parsed.GetRequiredValue(data).FullName);
            int shards = TarShardWriter.Write(index, folder, bytes, progress: null, host.Cancel);
            long written = TarShardWriter.Bytes(folder);
            host.Out.WriteLine($"{folder}: {index.Entries.Count} photos in {shards} shards, {Sizes.Bytes(written)}");
            return ExitCode.Success;
        });
        return command;
    }

    private static long ParseSize(string text)
    {
        foreach ((string unit, long bytes) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase))
                continue;
            string number = text[..^unit.Length].Trim();
            if (
                double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
                && value * bytes is >= 1 and < 1e15
            )
                return (long)(value * bytes);
        }
        throw new UsageException($"--size wants a size such as 256MB or 1GiB, not '{text}'.");
    }
}
