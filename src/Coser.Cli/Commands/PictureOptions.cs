using System.CommandLine;
using Coser.Cli.Help;
using Coser.Diffusion;
using Coser.Restoration;

namespace Coser.Cli.Commands;

/// <summary>The options of a restoration that change its pixels, shared by <c>upscale</c> and <c>reference</c>.</summary>
internal sealed class PictureOptions
{
    private readonly Option<long?> _seed = Choice.Number<long>(
        "--seed",
        "Seed of the random draws: the same seed gives the same picture.",
        _ => true,
        "be a whole number"
    );
    private readonly Option<Preset?> _preset = Choice.Maybe<Preset>(
        "--preset",
        "Effort. The options below take precedence over it."
    );
    private readonly Option<int?> _steps = Choice.Number<int>(
        "--steps",
        "Sampling steps of the reference and of the result.",
        s => s is >= 1 and <= RestoreOptions.MaxSteps,
        $"be from 1 to {RestoreOptions.MaxSteps}"
    );
    private readonly Option<SamplerKind?> _sampler = Choice.Maybe<SamplerKind>("--sampler", "How the steps are taken.");
    private readonly Option<double?> _guidance = Choice.Number<double>(
        "--guidance",
        "How strongly the result follows what the model understands; 1 is off and twice as quick.",
        g => g is >= 1 and <= RestoreOptions.MaxGuidance,
        $"be from 1 to {RestoreOptions.MaxGuidance}"
    );
    private readonly Option<string> _prompt = new("--prompt")
    {
        Description = "What the photo shows, in your words, beside what the model understands by itself.",
        HelpName = "text",
    };
    private readonly Option<string> _negative = new("--negative")
    {
        Description = "What the result should not be.",
        HelpName = "text",
    };
    private readonly Option<string> _reference = new("--reference")
    {
        Description =
            "Where the reference image comes from: auto (painted by the model), tile (one for every tile of a large "
            + "photo), none, or a photo of your own.",
        HelpName = "auto|tile|none|file",
    };
    private readonly Option<double?> _fidelity = Choice.Number<double>(
        "--fidelity",
        "How much of the input's own detail the decoder keeps: 0 is free, 1 is faithful.",
        f => f is >= 0 and <= 1,
        "be from 0 to 1"
    );
    private readonly Option<ColourFixKind?> _colour = Choice.Maybe<ColourFixKind>(
        "--color",
        "How colours are brought back to the input's."
    );

    /// <summary>Adds all of them, in one group of the help page.</summary>
    /// <param name="before">Options that come first in the group.</param>
    public void AddTo(Command command, HelpPages help, params Option[] before)
    {
        help.Group(
            command,
            "Picture",
            [.. before, _preset, _steps, _sampler, _guidance, _prompt, _negative, _reference, _fidelity, _colour, _seed]
        );
        (_seed.HelpName, _steps.HelpName, _guidance.HelpName, _fidelity.HelpName) = (
            "number",
            "1-1000",
            "1-100",
            "0-1"
        );
        _reference.CompletionSources.Add("auto", "tile", "none");
        help.Default(_preset, "balanced");
        help.Default(_steps, "the preset's");
        help.Default(_sampler, "the preset's");
        help.Default(_guidance, "the preset's");
        help.Default(_negative, "the model's");
        help.Default(_reference, "auto");
        help.Default(_fidelity, "the model's");
        help.Default(_colour, "the model's");
        help.Default(_seed, "42");
    }

    /// <summary>What was given. The reference photo, if there is one, is named and not yet read.</summary>
    public (RestoreOptions Options, string? ReferenceFile) Read(ParseResult parsed)
    {
        string? reference = parsed.GetValue(_reference);
        ReferenceSource source = reference switch
        {
            null or "auto" => ReferenceSource.Auto,
            "tile" => ReferenceSource.PerTile,
            "none" => ReferenceSource.None,
            _ => ReferenceSource.Photo,
        };
        var options = new RestoreOptions
        {
            Seed = parsed.GetValue(_seed) ?? 42,
            Preset = parsed.GetValue(_preset) ?? Preset.Balanced,
            Steps = parsed.GetValue(_steps),
            Sampler = parsed.GetValue(_sampler),
            Guidance = parsed.GetValue(_guidance),
            Prompt = parsed.GetValue(_prompt) ?? "",
            NegativePrompt = parsed.GetValue(_negative),
            Reference = source,
            Fidelity = parsed.GetValue(_fidelity),
            ColourFix = parsed.GetValue(_colour),
        };
        return (options, source == ReferenceSource.Photo ? reference : null);
    }
}
