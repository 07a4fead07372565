using System.CommandLine;
using System.Globalization;
using Coser.Cli.Help;
using Coser.Cli.Reports;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Cli.Commands;

/// <summary><c>coser upscale</c></summary>
internal sealed class UpscaleCommand
{
    public const string DefaultModel = "coser-mini";

    private readonly CliHost _host;
    private readonly Option<bool> _verbose;
    private readonly Argument<string[]> _photos = new("photos")
    {
        Description =
            "Files, folders and globs (*, ?, ** for any depth; quote them or not). Of folders and globs, JPEG, PNG, "
            + "WebP, TIFF, AVIF, GIF and HEIF files are taken; a file named by itself is always tried.",
        Arity = ArgumentArity.OneOrMore,
    };
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "Where the results go. A name with a photo's extension is a file, for one input; else a folder.",
        HelpName = "file|folder",
    };
    private readonly Option<bool> _recursive = new("--recursive", "-r")
    {
        Description = "Take subfolders, too. The output keeps their structure.",
    };
    private readonly Option<string> _format = RestoreSwitches.Format();
    private readonly Option<int?> _quality = RestoreSwitches.Quality();
    private readonly Option<bool> _overwrite = new("--overwrite")
    {
        Description = "Replace files that exist, whoever made them, and redo results that are up to date.",
    };
    private readonly Option<string> _model = new("--model")
    {
        Description = "Model to use: a name ('coser models list') or a model's folder.",
        HelpName = "name|folder",
        DefaultValueFactory = _ => DefaultModel,
    };
    private readonly Option<double?> _scale = RestoreSwitches.Scale();
    private readonly PictureOptions _picture = new();
    private readonly Option<bool> _saveReference = new("--save-reference")
    {
        Description = "Write the reference image, too: photo.x4.reference.png beside photo.x4.jpg.",
    };
    private readonly Option<string> _saveStages = new("--save-stages")
    {
        Description = "Write the pictures of the stages (pre-SR, reference, where it was used) into a folder.",
        HelpName = "folder",
    };
    private readonly Option<DeviceChoice> _device = Choice.Of<DeviceChoice>(
        "--device",
        "Where the networks run; auto takes a CUDA GPU when there is one."
    );
    private readonly Option<Precision> _precision = RestoreSwitches.Precision();
    private readonly Option<int?> _tile = RestoreSwitches.Tile();
    private readonly Option<int?> _threads = RestoreSwitches.Threads();
    private readonly Option<long?> _maxPixels = Choice.Number<long>(
        "--max-pixels",
        "Refuse larger inputs before decoding them.",
        p => p >= 1,
        "be at least 1"
    );
    private readonly Option<bool> _json = Choice.Json("Report as JSON lines on standard output (docs/command.md).");

    private UpscaleCommand(CliHost host, Option<bool> verbose) => (_host, _verbose) = (host, verbose);

    public static Command Create(CliHost host, HelpPages help, Option<bool> verbose) =>
        new UpscaleCommand(host, verbose).Build(help);

    private Command Build(HelpPages help)
    {
        var command = new Command(
            "upscale",
            "Enlarges photos. The result of photo.jpg is photo.x4.jpg beside it, unless --output says otherwise.\n\n"
                + "A result that is up to date (same photo, model and options) is skipped on the next run, so an "
                + "interrupted folder is finished by the same command."
        );
        command.Add(_photos);
        help.Group(command, "Output", _output, _recursive, _format, _quality, _overwrite, _saveReference, _saveStages);
        _picture.AddTo(command, help, _model, _scale);
        help.Group(command, "Machine", _device, _precision, _tile, _threads, _maxPixels);
        command.Add(_json);
        _maxPixels.HelpName = "count";
        help.Default(_output, "beside the input");
        help.Default(_format, "as the input");
        help.Default(_quality, "JPEG 92, WebP 90, AVIF 80");
        help.Default(_model, DefaultModel);
        help.Default(_scale, "the model's, 4");
        help.Default(_device, "auto");
        help.Default(_precision, "auto");
        help.Default(_tile, "0");
        help.Default(_threads, "all cores");
        help.Default(_maxPixels, new PhotoLimits().MaxPixels.ToString(CultureInfo.InvariantCulture));
        help.Examples(
            command,
            ("coser upscale photo.jpg", "writes photo.x4.jpg"),
            ("coser upscale photo.jpg -o large.png", "another name and format"),
            ("coser upscale holiday/ -r -o large/", "all photos below a folder"),
            ("coser upscale \"scans/**/*.tif\" --scale 2", "twice the size, any depth")
        );
        command.SetAction(parsed => Run(Settings(parsed), parsed));
        return command;
    }

    private UpscaleSettings Settings(ParseResult parsed)
    {
        (RestoreOptions options, string? reference) = _picture.Read(parsed);
        if (reference is not null && !File.Exists(Path.GetFullPath(reference, _host.WorkingFolder)))
            throw new UsageException(
                $"--reference {reference}: there is no such file. Use auto, tile, none or the path of a photo."
            );
        return new()
        {
            Output = parsed.GetValue(_output),
            Recursive = parsed.GetValue(_recursive),
            Overwrite = parsed.GetValue(_overwrite),
            Scale = parsed.GetValue(_scale) ?? 0,
            Options = options with { Tile = parsed.GetValue(_tile) ?? 0 },
            ReferenceFile = reference is null ? null : Path.GetFullPath(reference, _host.WorkingFolder),
            SaveReference = parsed.GetValue(_saveReference),
            StagesFolder = parsed.GetValue(_saveStages) is { } stages
                ? Path.GetFullPath(stages, _host.WorkingFolder)
                : null,
            Format = PhotoFormats.TryParse(parsed.GetValue(_format) ?? "", out PhotoFormat format) ? format : null,
            Quality = parsed.GetValue(_quality),
            Restorer = new RestorerRequest(
                parsed.GetRequiredValue(_model),
                parsed.GetValue(_device),
                parsed.GetValue(_precision),
                parsed.GetValue(_threads),
                parsed.GetValue(_maxPixels)
            ),
        };
    }

    private int Run(UpscaleSettings settings, ParseResult parsed)
    {
        using IPhotoRestorer restorer = _host.OpenRestorer(settings.Restorer);
        if (settings.Scale == 0)
            settings = settings with { Scale = restorer.Model.Scale };
        if (settings.Scale > restorer.Model.Scale)
            throw new UsageException($"Model {restorer.Model.Name} enlarges {restorer.Model.Scale} times at most.");
        var resolver = new InputResolver(_host.WorkingFolder, f => OutputRecord.IsOurs(restorer.ReadRecord(f)));
        ResolvedInputs inputs = resolver.Resolve(parsed.GetRequiredValue(_photos), settings.Recursive);
        IReadOnlyList<PlannedPhoto> plan = new OutputPlan(
            _host.WorkingFolder,
            settings.Output,
            settings.Scale,
            settings.Format
        ).Create(inputs.Photos);
        if (restorer.Model.IsPreSrOnly)
            _host.Complain($"model {restorer.Model.Name} is pre-SR only: no diffusion stage, plain super-resolution.");

        bool verbose = parsed.GetValue(_verbose);
        IUpscaleReport report =
            parsed.GetValue(_json) ? new JsonReport(_host, verbose)
            : _host.IsLive ? new LiveReport(_host, verbose)
            : new PlainReport(_host, verbose);
        var facts = new RunFacts(
            restorer.Model,
            restorer.Device,
            restorer.Precision,
            settings.Scale,
            plan.Count + inputs.Problems.Count
        );
        var run = new UpscaleRun(restorer, settings, report, _host.Clock);
        var totals = new UpscaleTotals();
        report.Around(facts, () => totals = run.Execute(plan, inputs.Problems, _host.Cancel));
        return totals.ExitCode;
    }
}
