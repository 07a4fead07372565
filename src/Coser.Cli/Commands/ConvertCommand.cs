using System.CommandLine;
using Coser.Checkpoints.Conversion;
using Coser.Cli.Help;
using Coser.Cli.Models;
using Coser.Cli.Upscaling;
using Coser.Engine;
using Spectre.Console;

namespace Coser.Cli.Commands;

/// <summary><c>coser models convert</c></summary>
internal static class ConvertCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("convert", "Makes a model of the checkpoints you have downloaded.");
        Option<string> sd = Source(
            "--sd",
            "file|folder",
            "Stable Diffusion 2.1-base, original file or diffusers folder."
        );
        Option<string> clip = Source("--clip", "file", "open_clip's ViT-H-14.");
        var coser = new Option<string[]>("--coser")
        {
            HelpName = "file",
            Description = "CoSeR's checkpoints: the whole one, the first stage, or both.",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string> cfw = Source("--cfw", "file", "StableSR's autoencoder with feature wrapping.");
        Option<string> preSr = Source("--presr", "file", "MSRResNet, in place of the one in CoSeR's checkpoints.");
        Option<string> tokenizer = Source(
            "--tokenizer",
            "file|folder",
            "CLIP's vocabulary: bpe_simple_vocab_16e6.txt.gz, or vocab.json and merges.txt."
        );
        var output = new Option<string>("--output", "-o")
        {
            HelpName = "folder",
            Description = "Folder of the new model.",
            Required = true,
        };
        Option<ConversionType> dtype = Choice.Of<ConversionType>("--dtype", "Type of the weights.");
        Option<string> name = Source("--name", "name", "Name of the model; default: the folder's.");
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace a model that is there." };
        foreach (
            Option option in new Option[] { sd, clip, coser, cfw, preSr, output, dtype, tokenizer, name, overwrite }
        )
            command.Add(option);
        help.Examples(
            command,
            (
                "coser models convert --sd v2-1_512-ema-pruned.ckpt --clip open_clip_pytorch_model.bin "
                    + "--coser coser.ckpt --cfw vqgan_cfw.ckpt --dtype bf16 -o models/coser-sd21",
                ""
            ),
            ("coser models convert --coser coser.ckpt -o models/coser-sd21", "it holds all but the feature wrapping")
        );
        help.Footer(
            command,
            "Where files hold the same tensor, the order is: --presr, CoSeR's whole checkpoint, its first stage, --clip, --sd."
        );
        command.SetAction(parsed =>
            Convert(
                host,
                new ConversionRequest
                {
                    StableDiffusion = At(parsed.GetValue(sd)),
                    Clip = At(parsed.GetValue(clip)),
                    Coser = [.. (parsed.GetValue(coser) ?? []).Select(p => At(p)!)],
                    Cfw = At(parsed.GetValue(cfw)),
                    PreSr = At(parsed.GetValue(preSr)),
                    Tokenizer = At(parsed.GetValue(tokenizer)),
                    Output = At(parsed.GetRequiredValue(output))!,
                    DType = parsed.GetValue(dtype),
                    Name = parsed.GetValue(name),
                    Overwrite = parsed.GetValue(overwrite),
                    Converter = BuildInfo.Full,
                }
            )
        );
        return command;

        string? At(string? path) => path is null ? null : Path.GetFullPath(path, host.WorkingFolder);
    }

    private static int Convert(CliHost host, ConversionRequest request)
    {
        if (
            new[] { request.StableDiffusion, request.Clip, request.Cfw, request.PreSr }.All(f => f is null)
            && request.Coser is []
        )
            throw new UsageException("convert wants at least one checkpoint: --coser, --sd, --clip, --cfw or --presr.");
        NativeEngine.EnsureLoaded();
        ConvertedModel model = host.IsLive
            ? WithBar(host, progress => ModelConverter.Convert(request, progress, host.Cancel))
            : ModelConverter.Convert(request, new Lines(host.Error), host.Cancel);
        host.Out.WriteLine($"{model.Folder}: {string.Join(", ", model.Components)}, {Sizes.Bytes(model.Bytes)}");
        foreach (string note in model.Notes)
            host.Complain($"note: {note}");
        return ExitCode.Success;
    }

    // Beside, not in, the results: the bar goes to standard error.
    private static ConvertedModel WithBar(CliHost host, Func<IProgress<ConversionProgress>, ConvertedModel> convert)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Error) });
        return console
            .Progress()
            .AutoClear(true)
            .Columns(
                new SpinnerColumn(Spinner.Known.Dots),
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn()
            )
            .Start(bars => convert(new Bar(bars.AddTask("opening"))));
    }

    private static Option<string> Source(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description };

    private sealed class Bar(ProgressTask task) : IProgress<ConversionProgress>
    {
        public void Report(ConversionProgress value)
        {
            task.Description = Markup.Escape(value.Component);
            task.MaxValue = Math.Max(1, value.All);
            // A full bar means "finished" to the display; the folder is not in its place yet.
            task.Value = Math.Min(value.Done, task.MaxValue - 1e-3);
        }
    }

    // A line a component.
    private sealed class Lines(TextWriter error) : IProgress<ConversionProgress>
    {
        private string _component = "";

        public void Report(ConversionProgress value)
        {
            if (value.Component == _component)
                return;
            _component = value.Component;
            error.WriteLine($"{value.Component}: {Sizes.Bytes(value.Done)} of {Sizes.Bytes(value.All)} are written");
        }
    }
}
