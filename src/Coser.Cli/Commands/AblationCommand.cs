using System.CommandLine;
using Coser.Cli.Evaluating;
using Coser.Cli.Help;

namespace Coser.Cli.Commands;

/// <summary><c>coser eval ablation</c></summary>
internal static class AblationCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "ablation",
            "Measures configurations of a recipe, in the layout of the paper's Table 2."
        );
        var recipe = new Option<FileInfo>("--recipe")
        {
            HelpName = "file",
            Description =
                "Groups of rows (JSON): models with steps, sampler, guidance, reference, fidelity, cognition.",
            Required = true,
        };
        var options = new EvalOptions();
        options.AddTo(command, recipe);
        help.Examples(
            command,
            ("coser eval ablation --recipe recipes/coser-mini/ablation.json --lr lr/ --hr hr/ -o report/", "")
        );
        command.SetAction(parsed =>
            new EvaluationSession(host, options.Read(parsed)).Ablate(parsed.GetRequiredValue(recipe).FullName)
        );
        return command;
    }
}
