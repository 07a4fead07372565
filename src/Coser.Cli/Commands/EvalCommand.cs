using System.CommandLine;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Engine;
using Coser.Evaluation;
using Coser.Restoration;

namespace Coser.Cli.Commands;

/// <summary><c>coser eval</c></summary>
internal static class EvalCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("eval", "Measures methods on pairs of LR and HR images.");
        var hr = new Option<DirectoryInfo>("--hr")
        {
            HelpName = "folder",
            Description = "True images.",
            Required = true,
        };
        var lr = new Option<DirectoryInfo>("--lr")
        {
            HelpName = "folder",
            Description = "Degraded images of the same names, a quarter as wide and high.",
            Required = true,
        };
        var methods = new Option<string[]>("--method")
        {
            HelpName = "name",
            Description = "bicubic, or a model's name or folder; may be given several times.",
            DefaultValueFactory = _ => ["bicubic", "coser-mini"],
        };
        var output = new Option<DirectoryInfo>("--output", "-o")
        {
            HelpName = "folder",
            Description = "Also write table.md and images.csv there.",
        };
        var border = new Option<int>("--border")
        {
            HelpName = "pixels",
            Description = "HR pixels left out along every edge.",
        };
        Option<DeviceChoice> device = Choice.Of<DeviceChoice>("--device", "Where the networks run.");
        Option<Precision> precision = Choice.Of<Precision>("--precision", "Number format of the networks.");
        foreach (Option option in new Option[] { hr, lr, methods, output, border, device, precision })
            command.Add(option);
        help.Examples(
            command,
            ("coser eval --hr pairs/hr --lr pairs/lr", "bicubic against the embedded model"),
            ("coser eval --hr hr/ --lr lr/ --method bicubic --method models/mine -o report/", "")
        );
        command.SetAction(parsed =>
        {
            var evaluation = new PairedEvaluation(
                parsed.GetRequiredValue(lr).FullName,
                parsed.GetRequiredValue(hr).FullName,
                parsed.GetValue(border)
            );
            Compute compute = Compute.Choose(parsed.GetValue(device), parsed.GetValue(precision));
            return Run(host, evaluation, parsed.GetRequiredValue(methods), compute, parsed.GetValue(output)?.FullName);
        });
        return command;
    }

    private static int Run(CliHost host, PairedEvaluation evaluation, string[] names, Compute compute, string? output)
    {
        var resolvers = new List<SuperResolver>();
        try
        {
            var methods = new List<IRestorationMethod>();
            foreach (string name in names)
            {
                if (name == "bicubic")
                {
                    methods.Add(new BicubicMethod());
                    continue;
                }
                using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(name));
                resolvers.Add(new SuperResolver(model, compute));
                string kind = model.IsPreSrOnly ? " (pre-SR only)" : "";
                methods.Add(new ModelMethod(model.Manifest.Name + kind, resolvers[^1]));
            }
            EvaluationRow[] rows = [.. evaluation.Run(methods, host.Cancel)];
            string table = EvaluationTable.Markdown(rows);
            string protocol = $"{evaluation.Protocol}; {compute.DeviceName} {compute.PrecisionName}";
            host.Out.Write(table);
            host.Out.WriteLine();
            host.Out.WriteLine(protocol);
            if (output is not null)
            {
                Directory.CreateDirectory(output);
                File.WriteAllText(Path.Combine(output, "table.md"), $"{table}\n{protocol}\n");
                File.WriteAllText(Path.Combine(output, "images.csv"), EvaluationTable.Csv(rows));
            }
            return ExitCode.Success;
        }
        finally
        {
            foreach (SuperResolver resolver in resolvers)
                resolver.Dispose();
        }
    }
}
