using Coser.Cli.Diagnostics;
using Coser.Evaluation;
using Coser.Evaluation.Ablation;
using Coser.Evaluation.Reports;
using Coser.Metrics.Catalogue;

namespace Coser.Cli.Evaluating;

/// <summary>One call of <c>coser eval</c>: opens what it needs, runs, and writes the reports.</summary>
internal sealed class EvaluationSession(CliHost host, EvaluationSettings settings)
{
    /// <summary>Compares methods.</summary>
    /// <param name="seeds">Seeds for the stability of methods that draw; 1: it is not measured.</param>
    public int Compare(IReadOnlyList<string> methods, int seeds) =>
        InFolder(folder =>
        {
            using MetricSet metrics = MetricSet.Open(settings.Metrics);
            using var list = new MethodList(settings.Compute, settings.Options, settings.Metrics.Weights);
            foreach (string method in methods)
                list.Add(method);
            EvaluationResult result = Run(folder, metrics, list, seeds, out Stability[] stabilities);
            string more = ResultTable.Markdown(stabilities, result.Metrics);
            Report(folder, result, $"coser eval: {string.Join(", ", result.Methods)}", "", more, "");
        });

    /// <summary>Compares the configurations of a recipe.</summary>
    public int Ablate(string file) =>
        InFolder(folder =>
        {
            AblationRecipe recipe = AblationRecipe.Load(file, MetricSet.Keys);
            using MetricSet metrics = MetricSet.Open(settings.Metrics);
            using var list = new MethodList(settings.Compute, settings.Options, settings.Metrics.Weights);
            foreach (AblationRow row in recipe.Configurations())
                list.Add(row.Model!, row.Name!, row.Options(settings.Options, out string? reference), reference);
            EvaluationResult result = Run(folder, metrics, list, 1, out _);
            var table = new AblationTable(recipe, result);
            Report(
                folder,
                result,
                $"coser eval ablation: {Path.GetFileNameWithoutExtension(file)}",
                table.Markdown() + "All figures:\n\n",
                "",
                table.Html()
            );
        });

    // Without --output nothing is kept: restored images lie in a folder that goes with the run.
    private int InFolder(Action<string> run)
    {
        if (settings.Output is not null)
        {
            run(settings.Output);
            return ExitCode.Success;
        }
        string temporary = Directory.CreateTempSubdirectory("coser-eval-").FullName;
        try
        {
            run(temporary);
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
        return ExitCode.Success;
    }

    private EvaluationResult Run(
        string folder,
        MetricSet metrics,
        MethodList methods,
        int seeds,
        out Stability[] stabilities
    )
    {
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
        EvaluationResult result = run.Run(description, images, methods.All, Tell, host.Cancel) with
        {
            Pending = methods.Pending,
        };
        stabilities =
            seeds < 2
                ? []
                :
                [
                    .. methods
                        .All.Select(m =>
                            run.Vary(description, images, m, settings.Options.Seed, seeds, Tell, host.Cancel)
                        )
                        .OfType<Stability>(),
                ];
        return result;
    }

    private void Report(
        string folder,
        EvaluationResult result,
        string title,
        string before,
        string after,
        string extraHtml
    )
    {
        string machine =
            $"{Machine.ProcessorName()}, {Environment.ProcessorCount} cores, {settings.Compute.DeviceName} "
            + $"{settings.Compute.PrecisionName}, coser {BuildInfo.Full}";
        string markdown = before + new ResultTable(result).Markdown(machine) + after;
        host.Out.Write(markdown);
        if (settings.Output is null)
            return;
        File.WriteAllText(Path.Combine(folder, "table.md"), markdown);
        File.WriteAllText(Path.Combine(folder, "images.csv"), new ResultTable(result).Csv());
        File.WriteAllText(
            Path.Combine(folder, "report.html"),
            new HtmlReport(result).Write(title, machine, settings.Shown, extraHtml)
        );
    }
}
