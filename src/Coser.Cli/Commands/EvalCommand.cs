using System.CommandLine;
using Coser.Cli.Diagnostics;
using Coser.Cli.Evaluating;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Evaluation;
using Coser.Evaluation.Reports;
using Coser.Metrics.Catalogue;
using Coser.Restoration;

namespace Coser.Cli.Commands;

/// <summary><c>coser eval</c></summary>
internal static class EvalCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("eval", "Measures methods on pairs of LR and HR images, and writes a report.");
        Option<DirectoryInfo> hr = Folder("--hr", "True images; not for --protocol no-reference.");
        Option<DirectoryInfo> lr = Folder("--lr", "Degraded images of the same names, a quarter as wide and high.");
        var methods = new Option<string[]>("--method")
        {
            HelpName = "method",
            Description =
                "bicubic, lanczos, presr, a model's name or folder, a baseline's checkpoint file, or folder:DIR with "
                + "restored images; NAME=METHOD names it. May be given several times.",
            DefaultValueFactory = _ => ["bicubic", "coser-mini"],
        };
        Option<EvaluationProtocol> protocol = Choice.Of<EvaluationProtocol>(
            "--protocol",
            "How images are prepared before they are restored and measured."
        );
        Option<DirectoryInfo> output = Folder(
            "--output",
            "Where results and the report go; a run goes on where it was."
        );
        output.Aliases.Add("-o");
        var border = new Option<int>("--border")
        {
            HelpName = "pixels",
            Description = "HR pixels left out along every edge by PSNR, SSIM and NIQE.",
        };
        Option<DirectoryInfo> weights = Folder("--weights", "Official weight files of metrics, by their usual names.");
        var prior = new Option<FileInfo>("--niqe-prior")
        {
            HelpName = "file",
            Description = "NIQE's prior (.mat, .npz, .json); default: this project's own.",
        };
        Option<string> features = Named("--features", "A model with a feature network for evaluation.");
        Option<string> clip = Named("--clip", "A model whose CLIP judges; default: the weights folder's.");
        Option<int?> limit = Choice.Number<int>(
            "--limit",
            "Only the first images, by name.",
            n => n > 0,
            "be at least 1"
        );
        Option<int?> shown = Choice.Number<int>(
            "--shown",
            "Images with crops in report.html, the worst (default 24).",
            n => n >= 0,
            "not be negative"
        );
        var seed = new Option<long>("--seed")
        {
            Description = "Seed of the restorations.",
            DefaultValueFactory = _ => 42,
        };
        Option<int?> seeds = Choice.Number<int>(
            "--seeds",
            "Also run methods that draw at random with so many seeds: G-STD and L-STD.",
            n => n is > 0 and <= 100,
            "be from 1 to 100"
        );
        Option<int?> steps = Choice.Number<int>(
            "--steps",
            "Sampling steps of the restorations.",
            n => n is > 0 and <= 1000,
            "be from 1 to 1000"
        );
        Option<DeviceChoice> device = Choice.Of<DeviceChoice>("--device", "Where the networks run.");
        Option<Precision> precision = Choice.Of<Precision>("--precision", "Number format of the restoring networks.");
        lr.Required = true;
        Option[] options =
        [
            lr,
            hr,
            methods,
            protocol,
            output,
            border,
            weights,
            prior,
            features,
            clip,
            limit,
            shown,
            seed,
            seeds,
            steps,
            device,
            precision,
        ];
        foreach (Option option in options)
            command.Add(option);
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
        {
            Compute compute = Compute.Choose(parsed.GetValue(device), parsed.GetValue(precision));
            var settings = new EvaluationSettings(
                parsed.GetRequiredValue(lr).FullName,
                parsed.GetValue(hr)?.FullName,
                parsed.GetRequiredValue(methods),
                parsed.GetValue(protocol),
                parsed.GetValue(output)?.FullName,
                parsed.GetValue(limit),
                parsed.GetValue(shown) ?? 24,
                parsed.GetValue(seeds) ?? 1,
                compute,
                new RestoreOptions { Seed = parsed.GetValue(seed), Steps = parsed.GetValue(steps) },
                new MetricSetOptions
                {
                    Border = parsed.GetValue(border),
                    Weights = parsed.GetValue(weights)?.FullName,
                    NiqePrior = parsed.GetValue(prior)?.FullName,
                    Features = parsed.GetValue(features),
                    Clip = parsed.GetValue(clip),
                    Device = compute.Device,
                }
            );
            return Run(host, settings);
        });
        return command;
    }

    private static int Run(CliHost host, EvaluationSettings settings)
    {
        if (settings.Output is not null)
            return Run(host, settings, settings.Output);
        // Nothing is kept: restored images lie in a folder that goes with the run.
        string temporary = Directory.CreateTempSubdirectory("coser-eval-").FullName;
        try
        {
            return Run(host, settings, temporary);
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    private static int Run(CliHost host, EvaluationSettings settings, string folder)
    {
        if (settings.Metrics.Border < 0)
            throw new UsageException("--border must not be negative.");
        using MetricSet metrics = MetricSet.Open(settings.Metrics);
        using var methods = new MethodList(settings.Compute, settings.Options);
        foreach (string method in settings.Methods)
            methods.Add(method);
        IReadOnlyList<EvaluationImage> images = Protocols.Collect(
            settings.Protocol,
            settings.Lr,
            settings.Hr,
            Path.Combine(folder, "prepared"),
            settings.Limit,
            host.Cancel
        );
        string from = settings.Hr is null ? settings.Lr : $"{settings.Lr} -> {settings.Hr}";
        string description = $"{Protocols.Describe(settings.Protocol)} ({from})";
        var run = new EvaluationRun(folder, metrics, settings.Metrics.Border);
        void Tell(int done, int all, string what) => host.Error.WriteLine($"{done}/{all} {what}");
        EvaluationResult result = run.Run(description, images, methods.All, Tell, host.Cancel);
        Stability[] stabilities =
            settings.Seeds < 2
                ? []
                :
                [
                    .. methods
                        .All.Select(m =>
                            run.Vary(description, images, m, settings.Options.Seed, settings.Seeds, Tell, host.Cancel)
                        )
                        .OfType<Stability>(),
                ];
        string machine =
            $"{Machine.ProcessorName()}, {Environment.ProcessorCount} cores, {settings.Compute.DeviceName} "
            + $"{settings.Compute.PrecisionName}, coser {BuildInfo.Full}";
        string markdown = new ResultTable(result).Markdown(machine) + ResultTable.Markdown(stabilities, result.Metrics);
        host.Out.Write(markdown);
        if (settings.Output is not null)
        {
            File.WriteAllText(Path.Combine(folder, "table.md"), markdown);
            File.WriteAllText(Path.Combine(folder, "images.csv"), new ResultTable(result).Csv());
            string title = $"coser eval: {string.Join(", ", result.Methods)}";
            File.WriteAllText(
                Path.Combine(folder, "report.html"),
                new HtmlReport(result).Write(title, machine, settings.Shown)
            );
        }
        return ExitCode.Success;
    }

    private static Option<DirectoryInfo> Folder(string name, string description) =>
        new(name) { HelpName = "folder", Description = description };

    private static Option<string> Named(string name, string description) =>
        new(name) { HelpName = "model", Description = description };
}
