using System.CommandLine;
using Coser.Cli.Evaluating;
using Coser.Cli.Help;

namespace Coser.Cli.Commands;

/// <summary><c>coser eval</c></summary>
internal static class EvalCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("eval", "Measures methods on pairs of LR and HR images, and writes a report.");
        var methods = new Option<string[]>("--method")
        {
            HelpName = "method",
            Description =
                "bicubic, lanczos, presr, a model's name or folder, a baseline's checkpoint file, or folder:DIR with "
                + "restored images; METHOD+unsharp[:AMOUNT] sharpens another's; ceiling:MODEL is the true image through a "
                + $"model's autoencoder; {KnownMethods.Names}; {KnownMethods.Table1} for all of the paper's. NAME=METHOD "
                + "names it. May be given several times.",
            DefaultValueFactory = _ => ["bicubic", "coser-mini"],
        };
        Option<int?> seeds = Choice.Number<int>(
            "--seeds",
            "Also run methods that draw at random with so many seeds: G-STD and L-STD.",
            n => n is > 0 and <= 100,
            "be from 1 to 100"
        );
        var options = new EvalOptions();
        options.AddTo(command, methods, seeds);
        command.Add(AblationCommand.Create(host, help));
        command.Add(NiqePriorCommand.Create(host, help));
        help.Examples(
            command,
            ("coser eval --hr pairs/hr --lr pairs/lr", "bicubic against the embedded model"),
            (
                "coser eval --hr hr/ --lr lr/ --method bicubic --method presr --method coser-mini -o report/",
                "table.md, images.csv, results.jsonl, report.html"
            ),
            ("coser eval --lr photos/ --protocol no-reference --method coser-mini -o report/", "")
        );
        command.SetAction(parsed =>
            new EvaluationSession(host, options.Read(parsed)).Compare(
                parsed.GetRequiredValue(methods),
                parsed.GetValue(seeds) ?? 1
            )
        );
        return command;
    }
}
