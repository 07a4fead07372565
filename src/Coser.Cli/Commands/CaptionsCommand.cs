using System.CommandLine;
using System.Globalization;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Coser.Training.Captions;
using Coser.Training.Data;

namespace Coser.Cli.Commands;

/// <summary><c>coser dataset captions</c></summary>
internal static class CaptionsCommand
{
    /// <summary>Environment variable with the endpoint's bearer token: arguments are seen by everybody on a machine.</summary>
    public const string KeyVariable = "COSER_ENDPOINT_KEY";

    private const double DefaultScore = 0.28;
    private const int ProgressEvery = 1000;

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command(
            "captions",
            "Describes the photos of a data set: from label and pixels, by a command, or by an endpoint."
        );
        Option<DirectoryInfo> data = DatasetOptions.Data();
        Option<FileInfo> output = DatasetOptions.OutputFile(
            "Captions, a JSON object a photo. Photos it holds already are skipped."
        );
        Option<int?> perPhoto = Choice.Number<int>(
            "--per-photo",
            "Captions a photo; default 3.",
            n => n is >= 1 and <= 20,
            "be from 1 to 20"
        );
        Option<ulong> seed = DatasetOptions.Seed("Seed of the templates.");
        var program = new Option<string>("--command")
        {
            HelpName = "command",
            Description = "Program that gets a photo's path as its last argument and prints captions, a line each.",
        };
        var endpoint = new Option<string>("--endpoint")
        {
            HelpName = "url",
            Description =
                $"OpenAI-compatible API that sees images, e.g. http://localhost:8000/v1. Its key: {KeyVariable}.",
        };
        var model = new Option<string>("--endpoint-model")
        {
            HelpName = "name",
            Description = "Model of the endpoint.",
        };
        Option<int?> timeout = Choice.Number<int>(
            "--timeout",
            "Seconds a photo of --command, or a request of --endpoint, may take; default 60.",
            n => n is >= 1 and <= 86400,
            "be from 1 to 86400"
        );
        var clip = new Option<string>("--clip")
        {
            HelpName = "model",
            Description = "Drop captions that this model's CLIP finds unlike their photo.",
        };
        Option<double?> minScore = Choice.Number<double>(
            "--min-score",
            "Least cosine of photo and caption; default 0.28, the paper's for the big CLIP.",
            s => s is >= -1 and <= 1,
            "be from -1 to 1"
        );
        Option<int?> workers = Choice.Number<int>(
            "--workers",
            "Photos at a time; default 2.",
            n => n is >= 1 and <= 64,
            "be from 1 to 64"
        );
        foreach (
            Option option in new Option[]
            {
                data,
                output,
                perPhoto,
                seed,
                program,
                endpoint,
                model,
                timeout,
                clip,
                minScore,
                workers,
            }
        )
            command.Add(option);
        help.Examples(
            command,
            ("coser dataset captions --data photos/ -o captions.jsonl", "from labels and pixels"),
            ("coser dataset captions --data photos/ -o captions.jsonl --command 'python3 describe.py'", ""),
            (
                "coser dataset captions --data photos/ -o captions.jsonl --endpoint http://localhost:8000/v1 --endpoint-model llava",
                ""
            )
        );
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(perPhoto) ?? 3;
            var limit = TimeSpan.FromSeconds(parsed.GetValue(timeout) ?? 60);
            if (parsed.GetValue(minScore) is not null && parsed.GetValue(clip) is null)
                throw new UsageException("--min-score is for --clip: name a model with it.");
            ICaptionSource source = (parsed.GetValue(program), parsed.GetValue(endpoint)) switch
            {
                (null, null) => new TemplateCaptions(count, parsed.GetValue(seed)),
                ({ } words, null) => ByCommand(words, count, limit),
                (null, { } url) => ByEndpoint(url, parsed.GetValue(model), count, limit),
                _ => throw new UsageException("--command and --endpoint exclude each other."),
            };
            using (source as IDisposable)
            {
                return Describe(
                    host,
                    parsed.GetRequiredValue(data).FullName,
                    parsed.GetRequiredValue(output).FullName,
                    source,
                    parsed.GetValue(clip),
                    parsed.GetValue(minScore) ?? DefaultScore,
                    parsed.GetValue(workers) ?? 2
                );
            }
        });
        return command;
    }

    private static CommandCaptions ByCommand(string words, int count, TimeSpan limit)
    {
        try
        {
            return new CommandCaptions(words, count, limit);
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"--command: {e.Message.Split(" (")[0]}.");
        }
    }

    private static EndpointCaptions ByEndpoint(string url, string? model, int count, TimeSpan limit)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
            throw new UsageException($"--endpoint wants an address such as http://localhost:8000/v1, not '{url}'.");
        return new EndpointCaptions(
            new CaptionEndpoint
            {
                Address = address,
                Model = model ?? throw new UsageException("name the endpoint's model with --endpoint-model."),
                Key = Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key ? key : null,
                Timeout = limit,
            },
            count
        );
    }

    private static int Describe(
        CliHost host,
        string data,
        string output,
        ICaptionSource source,
        string? clip,
        double minScore,
        int workers
    )
    {
        NativeEngine.EnsureLoaded();
        PhotoIndex index = PhotoIndex.Open(data);
        using ClipCaptionFilter? filter = clip is null ? null : Filter(clip, minScore);
        int told = 0;
        CaptionTotals totals = new CaptionRun(source, filter, workers).Run(
            index,
            output,
            failure => host.Complain(failure),
            done =>
            {
                if (done / ProgressEvery == told / ProgressEvery)
                    return;
                told = done;
                host.Error.WriteLine($"{done} of {index.Entries.Count} photos");
            },
            host.Cancel
        );
        var line = new List<string> { $"{totals.Described} photos described", $"{totals.Captions} captions" };
        if (filter is not null)
            line.Add($"{totals.Dropped} dropped below {minScore.ToString(CultureInfo.InvariantCulture)}");
        if (totals.Skipped > 0)
            line.Add($"{totals.Skipped} photos were there already");
        if (totals.Failed > 0)
            line.Add($"{totals.Failed} failed");
        host.Out.WriteLine($"{output}: {string.Join(", ", line)}");
        return totals.Failed > 0 ? ExitCode.Failed : ExitCode.Success;
    }

    private static ClipCaptionFilter Filter(string name, double minScore)
    {
        using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(name));
        return new ClipCaptionFilter(model, minScore);
    }
}
