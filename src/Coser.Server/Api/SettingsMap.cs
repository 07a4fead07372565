using System.Globalization;
using Coser.Client.Contract;
using Coser.Diffusion;
using Coser.Imaging;
using Coser.Jobs.Model;
using Coser.Restoration;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Api;

/// <summary>Options of the API to those of jobs and back; what a model or the library would refuse is refused here, by name.</summary>
internal static class SettingsMap
{
    private const int LongestPrompt = 2000;

    public static JobSettings Of(JobOptions options) =>
        new()
        {
            Model = options.Model,
            Scale = options.Scale,
            Seed = options.Seed,
            Preset = Names.To<PresetName>(options.Preset),
            Steps = options.Steps,
            Sampler = Names.Maybe<SamplerName>(options.Sampler),
            Guidance = options.Guidance,
            Prompt = options.Prompt.Length > 0 ? options.Prompt : null,
            NegativePrompt = options.NegativePrompt,
            Reference = Names.To<ReferenceName>(options.Reference),
            Fidelity = options.Fidelity,
            ColourFix = Names.Maybe<ColourFixName>(options.ColourFix),
            Format = Names.Maybe<FormatName>(options.Format),
            Quality = options.Quality,
            Tile = options.Tile > 0 ? options.Tile : null,
        };

    /// <param name="model">The model that is named, or the default.</param>
    /// <param name="maxPixels">The server's limit, which the restoring process keeps, too.</param>
    /// <param name="hasReference">Whether a reference photo comes along.</param>
    /// <exception cref="ApiProblem">Something is out of range or does not go together.</exception>
    public static JobOptions ToOptions(JobSettings asked, ModelChoice model, long maxPixels, bool hasReference)
    {
        Within("options.scale", asked.Scale, s => s > 0 && s <= model.Scale, $"above 0 and at most {model.Scale}");
        Within(
            "options.steps",
            asked.Steps,
            s => s is >= 1 and <= RestoreOptions.MaxSteps,
            $"from 1 to {RestoreOptions.MaxSteps}"
        );
        Within(
            "options.guidance",
            asked.Guidance,
            g => g is >= 1 and <= RestoreOptions.MaxGuidance,
            $"from 1 to {RestoreOptions.MaxGuidance}"
        );
        Within("options.fidelity", asked.Fidelity, f => f is >= 0 and <= 1, "from 0 to 1");
        Within("options.quality", asked.Quality, q => q is >= 1 and <= 100, "from 1 to 100");
        Within("options.tile", asked.Tile, t => t is 0 or (>= 16 and <= 65_536), "0, or from 16 to 65536");
        Short("options.prompt", asked.Prompt);
        Short("options.negativePrompt", asked.NegativePrompt);
        ReferenceName reference = asked.Reference ?? (hasReference ? ReferenceName.Photo : ReferenceName.Auto);
        if (reference == ReferenceName.Photo != hasReference)
            throw ApiProblem.BadOption(
                "options.reference",
                hasReference
                    ? "a reference photo is sent, and another source is named"
                    : "it is 'photo', and none is sent",
                "Send the photo as the field 'reference' and name 'photo', or do neither.",
                StatusCodes.Status422UnprocessableEntity
            );
        return new JobOptions
        {
            Model = model.Name,
            Scale = asked.Scale ?? model.Scale,
            Seed = asked.Seed ?? 42,
            Tile = asked.Tile ?? 0,
            Preset = Names.To<Preset>(asked.Preset ?? PresetName.Balanced),
            Steps = asked.Steps,
            Sampler = Names.Maybe<SamplerKind>(asked.Sampler),
            Guidance = asked.Guidance,
            Prompt = asked.Prompt ?? "",
            NegativePrompt = asked.NegativePrompt,
            Reference = Names.To<ReferenceSource>(reference),
            Fidelity = asked.Fidelity,
            ColourFix = Names.Maybe<ColourFixKind>(asked.ColourFix),
            Format = Names.Maybe<PhotoFormat>(asked.Format),
            Quality = asked.Quality,
            MaxPixels = maxPixels,
            KeepStages = true,
            Previews = true,
        };
    }

    private static void Within<T>(string name, T? value, Func<T, bool> accepts, string range)
        where T : struct, IFormattable
    {
        if (value is { } given && !accepts(given))
            throw ApiProblem.BadOption(
                name,
                $"it is {given.ToString(null, CultureInfo.InvariantCulture)}",
                $"It must be {range}."
            );
    }

    private static void Short(string name, string? text)
    {
        if (text?.Length > LongestPrompt)
            throw ApiProblem.BadOption(name, $"it has {text.Length} characters", $"{LongestPrompt} are the most.");
    }
}
