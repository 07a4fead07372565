using System.CommandLine;
using Coser.Cli.Help;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Text;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset vocabulary</c></summary>
internal static class VocabularyCommand
{
    private const int DefaultSize = 2048;

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "vocabulary",
            "Learns a byte-pair vocabulary from captions, for a model's tokenizer."
        );
        var captions = new Option<FileInfo>("--captions")
        {
            HelpName = "file",
            Description = "Of 'coser dataset captions'.",
            Required = true,
        };
        Option<int?> size = Choice.Number<int>(
            "--size",
            $"Tokens in all; default {DefaultSize}.",
            n => n is >= BpeTrainer.SmallestVocabulary and <= BpeTrainer.LargestVocabulary,
            $"be from {BpeTrainer.SmallestVocabulary} to {BpeTrainer.LargestVocabulary}"
        );
        Option<DirectoryInfo> output = DatasetOptions.Folder("Gets merges.txt.");
        foreach (Option option in new Option[] { captions, size, output })
            command.Add(option);
        help.Examples(command, ("coser dataset vocabulary --captions captions.jsonl --size 2048 -o tokenizer/", ""));
        command.SetAction(parsed =>
            Learn(
                host,
                parsed.GetRequiredValue(captions).FullName,
                parsed.GetValue(size) ?? DefaultSize,
                parsed.GetRequiredValue(output).FullName
            )
        );
        return command;
    }

    private static int Learn(CliHost host, string captions, int size, string folder)
    {
        CaptionIndex index = CaptionIndex.Open(captions);
        int tokens = BpeTrainer.Train(index.All, size, folder);
        int[] lengths = Lengths(ClipTokenizer.Open(folder), index);
        host.Out.WriteLine(
            $"{folder}: {tokens} tokens; a caption takes {lengths.Average():f1} of them, start and end included, "
                + $"99 of 100 captions at most {lengths[(int)(0.99 * (lengths.Length - 1))]}, the longest {lengths[^1]}"
        );
        return ExitCode.Success;
    }

    // Tokens of each caption up to its end, in order of length.
    private static int[] Lengths(ClipTokenizer tokenizer, CaptionIndex index)
    {
        const int Most = 256;
        return [.. index.All.Select(c => Array.IndexOf(tokenizer.Encode(c, Most), tokenizer.EndId) + 1).Order()];
    }
}
