using System.CommandLine;
using System.Runtime.CompilerServices;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Cli.Reports;
using Coser.Cli.Upscaling;
using Coser.Cli.Working;
using Coser.Engine;
using Coser.Imaging;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Restoration;

namespace Coser.Cli.Commands;

/// <summary><c>coser batch submit</c></summary>
internal sealed class BatchSubmitCommand
{
    private readonly CliHost _host;
    private readonly JobPlace _place = new();
    private readonly PictureOptions _picture = new();
    private readonly Argument<string[]> _photos = new("photos")
    {
        Description = "Files, folders (with all below them) and globs.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly Option<string> _manifest = new("--manifest")
    {
        Description = "A file with the path of a photo a line; - reads it from standard input.",
        HelpName = "file",
    };
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "Also write the results into this folder, the structure kept. Every worker must see it.",
        HelpName = "folder",
    };
    private readonly Option<bool> _overwrite = new("--overwrite")
    {
        Description = "With --output: replace files that were not made by coser, too.",
    };
    private readonly Option<bool> _inPlace = new("--in-place")
    {
        Description = "Read the photos where they are when their turn comes, instead of copying them into the store.",
    };
    private readonly Option<string> _name = new("--name") { Description = "What the batch is called in lists." };
    private readonly Option<string> _key = new("--key")
    {
        Description = "Submitting again with the same key goes on with the same batch and leaves out what it has.",
        HelpName = "text",
    };
    private readonly Option<string> _queue = new("--queue")
    {
        Description = "The kind of worker it needs.",
        HelpName = "any|cpu|cuda",
        DefaultValueFactory = _ => JobQueues.Any,
    };
    private readonly Option<bool> _interactive = new("--interactive") { Description = "Before all batches." };
    private readonly Option<string> _model = new("--model")
    {
        Description = "Model to use: a name, or a folder that every worker sees.",
        HelpName = "name|folder",
        DefaultValueFactory = _ => UpscaleCommand.DefaultModel,
    };
    private readonly Option<double?> _scale = RestoreSwitches.Scale();
    private readonly Option<string> _format = RestoreSwitches.Format();
    private readonly Option<int?> _quality = RestoreSwitches.Quality();
    private readonly Option<int?> _tile = RestoreSwitches.Tile();
    private readonly Option<Precision> _precision = RestoreSwitches.Precision();
    private readonly Option<bool> _json = Choice.Json("Print JSON.");

    private BatchSubmitCommand(CliHost host) => _host = host;

    public static Command Create(CliHost host, HelpPages help)
    {
        var options = new BatchSubmitCommand(host);
        var command = new Command("submit", "Hands in many photos. Workers ('coser worker') restore them.");
        command.Add(options._photos);
        options._place.AddTo(command, help);
        help.Group(
            command,
            "Batch",
            options._manifest,
            options._output,
            options._overwrite,
            options._inPlace,
            options._name,
            options._key,
            options._queue,
            options._interactive
        );
        options._picture.AddTo(
            command,
            help,
            options._model,
            options._scale,
            options._format,
            options._quality,
            options._tile,
            options._precision
        );
        command.Add(options._json);
        options._queue.AcceptOnlyFromAmong([.. JobQueues.All]);
        help.Default(options._name, "the first argument");
        help.Default(options._scale, "the model's");
        help.Default(options._format, "as the input");
        help.Examples(
            command,
            ("coser batch submit photos/ -o large/", "a folder and all below it"),
            ("find / -name '*.tif' | coser batch submit --manifest - --in-place", "any list, however long"),
            ("coser batch submit \"photos/**\" --database postgres://coser@db/coser --store /mnt/coser", "")
        );
        command.SetAction((parsed, _) => options.RunAsync(parsed));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        string[] photos = parsed.GetValue(_photos) ?? [];
        string? manifest = parsed.GetValue(_manifest);
        if (photos.Length == 0 && manifest is null)
            throw new UsageException("There is nothing to submit: name photos, folders or a --manifest.");
        (RestoreOptions picture, string? reference) = _picture.Read(parsed);
        if (reference is not null && !File.Exists(Path.GetFullPath(reference, _host.WorkingFolder)))
            throw new UsageException(
                $"--reference {reference}: there is no such file. Use auto, tile, none or the path of a photo."
            );
        await using OpenJobs jobs = await _place.OpenAsync(_host, parsed);
        string? referenceHash = reference is null
            ? null
            : (await jobs.Store.PutFileAsync(Path.GetFullPath(reference, _host.WorkingFolder), _host.Cancel)).Hash;
        var template = new NewJob
        {
            Name = "",
            Options = Options(parsed, picture),
            Priority = parsed.GetValue(_interactive) ? JobPriority.Interactive : JobPriority.Batch,
            Queue = parsed.GetRequiredValue(_queue),
            ReferenceHash = referenceHash,
        };
        var batch = new NewBatch(
            parsed.GetValue(_name) ?? (photos.Length > 0 ? photos[0] : manifest!),
            IdempotencyKey: parsed.GetValue(_key)
        );
        var submission = new Submission(
            jobs.Store,
            template,
            parsed.GetValue(_output) is { } output ? Path.GetFullPath(output, _host.WorkingFolder) : null,
            parsed.GetValue(_overwrite),
            parsed.GetValue(_inPlace),
            (name, reason) => _host.Complain($"{name}: {reason}")
        );
        var source = new ManifestSource(_host.WorkingFolder, _host.In);
        long seen = 0;
        Batch made = await jobs.Queue.SubmitAsync(
            batch,
            submission.Entries(source.Read(photos, manifest), _host.Cancel),
            n => seen = n,
            submission.Known,
            _host.Cancel
        );
        if (parsed.GetValue(_json))
            _host.Out.WriteLine(
                CliJson.Line(
                    new
                    {
                        batch = made.Id,
                        made.Name,
                        made.Entries,
                        seen,
                        unreadable = submission.Unreadable,
                    }
                )
            );
        else
        {
            _host.Out.WriteLine($"batch {made.Id}: {made.Entries} photos");
            if (seen == 0)
                _host.Complain("no photo was found. JPEG, PNG, WebP, TIFF, AVIF, GIF and HEIF files count.");
        }
        return seen == 0 || submission.Unreadable > 0 ? ExitCode.Failed : ExitCode.Success;
    }

    private JobOptions Options(ParseResult parsed, RestoreOptions picture)
    {
        string model = parsed.GetRequiredValue(_model);
        // A folder is found from everywhere; a name is each worker's own to find.
        if (Path.Exists(Path.GetFullPath(model, _host.WorkingFolder)))
            model = Path.GetFullPath(model, _host.WorkingFolder);
        double scale = parsed.GetValue(_scale) ?? Scale(model, parsed);
        return JobOptions.From(picture) with
        {
            Model = model,
            Scale = scale,
            Tile = parsed.GetValue(_tile) ?? 0,
            Format = PhotoFormats.TryParse(parsed.GetValue(_format) ?? "", out PhotoFormat format) ? format : null,
            Quality = parsed.GetValue(_quality),
            Precision = parsed.GetValue(_precision),
        };
    }

    // Known here, so that names of results say it.
    private int Scale(string model, ParseResult parsed)
    {
        using IPhotoRestorer opened = _host.OpenRestorer(
            new RestorerRequest(model, DeviceChoice.Cpu, parsed.GetValue(_precision), null, null)
        );
        return opened.Model.Scale;
    }

    /// <summary>Makes jobs of the entries of a manifest, as they come.</summary>
    private sealed class Submission(
        ContentStore store,
        NewJob template,
        string? output,
        bool overwrite,
        bool inPlace,
        Action<string, string> complain
    )
    {
        /// <summary>Entries that were left out: they cannot be read, or would replace another file.</summary>
        public int Unreadable { get; private set; }

        /// <summary>An entry whose result another job of the batch writes.</summary>
        public void Known(NewJob entry, Job other)
        {
            bool same = (entry.InputHash, entry.InputPath) == (other.Request.InputHash, other.Request.InputPath);
            // Found twice, or handed in before, is what keys are for.
            if (entry.OutputPath is null || same || entry.Name == other.Request.Name)
                return;
            Unreadable++;
            complain(
                entry.Name,
                $"{entry.OutputPath} is the result of {other.Request.Name} already. Rename one of them, or submit it to another "
                    + "--output."
            );
        }

        public async IAsyncEnumerable<NewJob> Entries(
            IEnumerable<ManifestEntry> entries,
            [EnumeratorCancellation] CancellationToken cancel
        )
        {
            foreach (ManifestEntry entry in entries)
            {
                string? target = output is null ? null : Target(entry);
                if (
                    target is not null
                    && !overwrite
                    && File.Exists(target)
                    && !OutputRecord.IsOurs(PhotoRecord.Read(target))
                )
                {
                    Unreadable++;
                    complain(
                        entry.Name,
                        $"{target} exists and was not made by coser. Use --overwrite to replace it, or another --output."
                    );
                    continue;
                }
                string? hash = null;
                try
                {
                    if (!inPlace)
                        hash = (await store.PutFileAsync(entry.FullPath, cancel)).Hash;
                    else if (!File.Exists(entry.FullPath))
                        throw new FileNotFoundException(entry.FullPath);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    Unreadable++;
                    complain(entry.Name, FailureText.For(e, entry.Name, entry.FullPath));
                    continue;
                }
                yield return template with
                {
                    Name = entry.Name,
                    InputHash = hash,
                    InputPath = hash is null ? entry.FullPath : null,
                    OutputPath = target,
                    // Found twice, or writing the same file: one job.
                    IdempotencyKey = target ?? entry.FullPath,
                };
            }
        }

        private string Target(ManifestEntry entry)
        {
            PhotoFormat? own = PhotoFormats.FromPath(entry.FullPath);
            PhotoFormat format = template.Options.Format ?? own ?? PhotoFormat.Png;
            string extension = format == own ? Path.GetExtension(entry.FullPath) : format.Extension();
            return Path.Combine(
                output!,
                Path.GetDirectoryName(entry.Relative) ?? "",
                $"{Path.GetFileNameWithoutExtension(entry.FullPath)}.{OutputPlan.Suffix(template.Options.Scale)}{extension}"
            );
        }
    }
}
