using System.CommandLine;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Cli.Reports;
using Coser.Engine;
using Coser.Metrics.Features;

namespace Coser.Cli.Commands;

/// <summary><c>coser models verify</c></summary>
internal static class VerifyCommand
{
    /// <summary>The networks a model directory may hold.</summary>
    private static readonly NetworkKind[] Kinds = [.. NetworkKinds.All, FeatureNetworkFile.NetworkKind];

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("verify", "Checks that a model is complete and its networks fit each other.");
        var model = new Argument<string>("model") { HelpName = "model", Description = "A model's name or folder." };
        var values = new Option<bool>("--values")
        {
            Description = "Also read every number and look for NaN and infinity.",
        };
        Option<bool> json = Choice.Json("Print JSON.");
        command.Add(model);
        command.Add(values);
        command.Add(json);
        help.Examples(
            command,
            ("coser models verify models/coser-sd21", "names and shapes, in a second"),
            ("coser models verify coser-mini --values", "every number")
        );
        command.SetAction(parsed =>
            Verify(host, parsed.GetRequiredValue(model), parsed.GetValue(values), parsed.GetValue(json))
        );
        return command;
    }

    private static int Verify(CliHost host, string nameOrPath, bool values, bool json)
    {
        string full = Path.GetFullPath(nameOrPath, host.WorkingFolder);
        NativeEngine.EnsureLoaded();
        using ModelDirectory model = ModelDirectory.Open(
            ModelDirectory.Find(Directory.Exists(full) ? full : nameOrPath)
        );
        IReadOnlyList<ModelProblem> problems = ModelVerifier.Verify(model, Kinds, values, host.Cancel);
        if (json)
        {
            host.Out.WriteLine(
                CliJson.Document(
                    new
                    {
                        model.Folder,
                        Ok = problems.Count == 0,
                        Problems = problems,
                    }
                )
            );
        }
        else if (problems.Count == 0)
        {
            host.Out.WriteLine(
                $"{model.Manifest.Name}: {string.Join(", ", model.Components.Select(c => c.Role))}: complete, and "
                    + (values ? "every number is finite" : "names and shapes are right")
            );
        }
        else
        {
            foreach (ModelProblem problem in problems)
                host.Out.WriteLine($"{problem.Part}: {problem.Problem}");
            host.Complain($"{model.Folder}: {problems.Count} problems. Convert or download it again.");
        }
        return problems.Count == 0 ? ExitCode.Success : ExitCode.Failed;
    }
}
