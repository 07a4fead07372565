using System.CommandLine;
using Coser.Cli.Evaluating;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Evaluation;
using Coser.Metrics.Catalogue;
using Coser.Restoration;

namespace Coser.Cli.Commands;

/// <summary>The options that <c>eval</c> and <c>eval ablation</c> share: images, metrics, where things run and go.</summary>
internal sealed class EvalOptions
{
    private readonly Option<DirectoryInfo> _hr = Folder("--hr", "True images; not for --protocol no-reference.");
    private readonly Option<DirectoryInfo> _lr = Folder(
        "--lr",
        "Degraded images of the same names, a quarter as wide and high."
    );
    private readonly Option<EvaluationProtocol> _protocol = Choice.Of<EvaluationProtocol>(
        "--protocol",
        "How images are prepared before they are restored and measured."
    );
    private readonly Option<DirectoryInfo> _output = Folder(
        "--output",
        "Where results and the report go; a run goes on where it was."
    );
    private readonly Option<int> _border = new("--border")
    {
        HelpName = "pixels",
        Description = "HR pixels left out along every edge by PSNR, SSIM and NIQE.",
    };
    private readonly Option<DirectoryInfo> _weights = Folder(
        "--weights",
        "Official weight files of metrics and baselines, by their usual names."
    );
    private readonly Option<bool> _metricBf16 = new("--metric-bf16")
    {
        Description = "LPIPS and DISTS compute their maps in bfloat16.",
    };
    private readonly Option<FileInfo> _prior = new("--niqe-prior")
    {
        HelpName = "file",
        Description = "NIQE's prior (.mat, .npz, .json); default: this project's own.",
    };
    private readonly Option<string> _features = Named(
        "--features",
        "model",
        "A model with a feature network for evaluation."
    );
    private readonly Option<string> _clip = Named(
        "--clip",
        "model",
        "A model whose CLIP judges; default: the weights folder's."
    );
    private readonly Option<string> _text = Named(
        "--text",
        "auto|none|program",
        "Whether words read otherwise after a restoration are counted: with tesseract if it is installed, not at all, or with "
            + "a tesseract of your own."
    );
    private readonly Option<string> _language = Named(
        "--text-language",
        "language",
        "Languages of words in the images, as tesseract calls them: eng, deu+eng."
    );
    private readonly Option<int?> _limit = Choice.Number<int>(
        "--limit",
        "Only the first images, by name.",
        n => n > 0,
        "be at least 1"
    );
    private readonly Option<int?> _shown = Choice.Number<int>(
        "--shown",
        "Images with crops in report.html, the worst (default 24).",
        n => n >= 0,
        "not be negative"
    );
    private readonly Option<long> _seed = new("--seed")
    {
        Description = "Seed of the restorations.",
        DefaultValueFactory = _ => 42,
    };
    private readonly Option<int?> _steps = Choice.Number<int>(
        "--steps",
        "Sampling steps of the restorations.",
        n => n is > 0 and <= RestoreOptions.MaxSteps,
        $"be from 1 to {RestoreOptions.MaxSteps}"
    );
    private readonly Option<DeviceChoice> _device = Choice.Of<DeviceChoice>("--device", "Where the networks run.");
    private readonly Option<Precision> _precision = Choice.Of<Precision>(
        "--precision",
        "Number format of the restoring networks."
    );

    public EvalOptions()
    {
        _lr.Required = true;
        _output.Aliases.Add("-o");
        (_text.DefaultValueFactory, _language.DefaultValueFactory) = (_ => "auto", _ => "eng");
    }

    /// <summary>Adds all of them after the command's own.</summary>
    public void AddTo(Command command, params Option[] own)
    {
        Option[] all =
        [
            _lr,
            _hr,
            .. own,
            _protocol,
            _output,
            _border,
            _weights,
            _metricBf16,
            _prior,
            _features,
            _clip,
            _text,
            _language,
            _limit,
            _shown,
            _seed,
            _steps,
            _device,
            _precision,
        ];
        foreach (Option option in all)
            command.Add(option);
    }

    /// <summary>What was given.</summary>
    /// <exception cref="UsageException">A value is out of its range.</exception>
    public EvaluationSettings Read(ParseResult parsed)
    {
        if (parsed.GetValue(_border) < 0)
            throw new UsageException("--border must not be negative.");
        Compute compute = Compute.Choose(parsed.GetValue(_device), parsed.GetValue(_precision));
        return new EvaluationSettings(
            parsed.GetRequiredValue(_lr).FullName,
            parsed.GetValue(_hr)?.FullName,
            parsed.GetValue(_protocol),
            parsed.GetValue(_output)?.FullName,
            parsed.GetValue(_limit),
            parsed.GetValue(_shown) ?? 24,
            compute,
            new RestoreOptions { Seed = parsed.GetValue(_seed), Steps = parsed.GetValue(_steps) },
            new MetricSetOptions
            {
                Border = parsed.GetValue(_border),
                Weights = parsed.GetValue(_weights)?.FullName,
                NiqePrior = parsed.GetValue(_prior)?.FullName,
                Features = parsed.GetValue(_features),
                Clip = parsed.GetValue(_clip),
                Device = compute.Device,
                Bf16 = parsed.GetValue(_metricBf16),
                Tesseract = parsed.GetValue(_text) switch
                {
                    null or "auto" => "tesseract",
                    "none" => null,
                    string program => program,
                },
                TextLanguage = parsed.GetValue(_language) ?? "eng",
            }
        );
    }

    private static Option<DirectoryInfo> Folder(string name, string description) =>
        new(name) { HelpName = "folder", Description = description };

    private static Option<string> Named(string name, string help, string description) =>
        new(name) { HelpName = help, Description = description };
}
