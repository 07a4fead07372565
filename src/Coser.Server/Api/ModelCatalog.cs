using System.Collections.Concurrent;
using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Client.Contract;
using Coser.Diffusion;
using Coser.Restoration;

namespace Coser.Server.Api;

/// <summary>The models of this machine, as callers see them: by name, never by path.</summary>
internal sealed class ModelCatalog(ServerOptions options)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);
    private static readonly string[] PlainControls = ["scale", "format", "quality", "tile"];
    private readonly ConcurrentDictionary<(string Folder, DateTime Written), ModelView> _full = new();
    private readonly Lock _gate = new();
    private IReadOnlyList<ModelChoice> _choices = [];
    private long _read;

    /// <summary>A model; null: there is none of this name.</summary>
    public ModelChoice? Find(string name) => Choices().FirstOrDefault(m => m.Name == name);

    public Capabilities Capabilities()
    {
        IReadOnlyList<ModelChoice> models = Choices();
        ModelChoice? first =
            models.FirstOrDefault(m => m.Name == options.DefaultModel) ?? (models is [var any, ..] ? any : null);
        return new Capabilities
        {
            Model = first?.Name ?? options.DefaultModel,
            Models = models,
            Presets = first?.Presets ?? [],
            Samplers = Enum.GetValues<SamplerName>(),
            ColourFixes = Enum.GetValues<ColourFixName>(),
            References = Enum.GetValues<ReferenceName>(),
            Formats = Enum.GetValues<FormatName>(),
            Defaults = first?.Defaults ?? new JobSettings(),
            Ranges = new Dictionary<string, double[]>
            {
                ["steps"] = [1, RestoreOptions.MaxSteps],
                ["guidance"] = [1, RestoreOptions.MaxGuidance],
                ["fidelity"] = [0, 1],
                ["scale"] = [1, first?.Scale ?? 4],
                ["quality"] = [1, 100],
            },
            Limits = new LimitsView
            {
                Bytes = options.MaxUpload,
                Pixels = options.MaxPixels,
                Queue = options.MaxQueue,
            },
            Version = options.Version,
            Device = options.Worker?.Queues.FirstOrDefault(q => q != Coser.Jobs.Model.JobQueues.Any),
        };
    }

    /// <summary>All models that can be read. A damaged one is left out here and named in the options.</summary>
    public IReadOnlyList<ModelView> Models()
    {
        var models = new List<ModelView>();
        foreach (string folder in ModelDirectory.Available())
        {
            DateTime written = File.GetLastWriteTimeUtc(Path.Combine(folder, "model.json"));
            try
            {
                models.Add(_full.GetOrAdd((folder, written), key => Read(key.Folder)));
            }
            catch (CheckpointException) { }
        }
        return models;
    }

    private IReadOnlyList<ModelChoice> Choices()
    {
        lock (_gate)
        {
            if (_read != 0 && TimeProvider.System.GetElapsedTime(_read) < Fresh)
                return _choices;
            _choices = [.. ModelDirectory.Available().Select(Choice)];
            _read = TimeProvider.System.GetTimestamp();
            return _choices;
        }
    }

    private static ModelChoice Choice(string folder)
    {
        string name = Path.GetFileName(folder);
        try
        {
            using ModelDirectory model = ModelDirectory.Open(folder);
            ModelManifest manifest = model.Manifest;
            RestorationConfig config = manifest.Restoration ?? new RestorationConfig();
            return new ModelChoice
            {
                Name = name,
                Scale = manifest.Scale,
                Kind = Kind(model),
                Title = manifest.Description.Length > 0 ? manifest.Description : name,
                Ready = true,
                Controls = Controls(model),
                Presets = model.IsPreSrOnly ? null : [.. Enum.GetValues<Preset>().Select(p => Of(config, p))],
                Defaults = Defaults(model, config),
            };
        }
        catch (CheckpointException)
        {
            return new ModelChoice
            {
                Name = name,
                Title = name,
                Reason = $"it is damaged. 'coser models verify {name}' says how.",
            };
        }
    }

    private static string[] Controls(ModelDirectory model)
    {
        if (model.IsPreSrOnly)
            return PlainControls;
        List<string> controls = ["preset", "steps", "sampler", "guidance", "reference", "colourFix", "seed"];
        if (Directory.Exists(Path.Combine(model.Folder, "tokenizer")))
            controls.AddRange(["prompt", "negativePrompt"]);
        if (model.WrapsFeatures)
            controls.Add("fidelity");
        return [.. controls, .. PlainControls];
    }

    private static JobSettings Defaults(ModelDirectory model, RestorationConfig config) =>
        model.IsPreSrOnly
            ? new JobSettings { Scale = model.Manifest.Scale }
            : new JobSettings
            {
                Scale = model.Manifest.Scale,
                Seed = 42,
                Preset = PresetName.Balanced,
                Fidelity = config.Fidelity,
                Guidance = config.Of(Preset.Balanced).Guidance,
                ColourFix = Names.To<ColourFixName>(config.ColourFix),
                Reference = ReferenceName.Auto,
            };

    private static PresetView Of(RestorationConfig config, Preset preset)
    {
        PresetConfig found = config.Of(preset);
        return new PresetView(
            Names.To<PresetName>(preset),
            found.Steps,
            Names.To<SamplerName>(found.Sampler),
            found.Guidance
        );
    }

    private static ModelView Read(string folder)
    {
        using ModelDirectory model = ModelDirectory.Open(folder);
        return new ModelView
        {
            Name = Path.GetFileName(folder),
            Description = model.Manifest.Description,
            Licence = model.Manifest.Licence,
            Hash = model.Hash,
            Scale = model.Manifest.Scale,
            Kind = Kind(model),
            Components = [.. model.Components.Select(c => new ComponentView(c.Role, c.Kind, c.Parameters, c.Bytes))],
            Provenance = model.Manifest.Provenance,
        };
    }

    private static string Kind(ModelDirectory model) => model.IsPreSrOnly ? "pre-sr" : "coser";
}

/// <summary>From one enumeration to another whose members have the same names.</summary>
internal static class Names
{
    public static T To<T>(Enum value)
        where T : struct, Enum => Enum.Parse<T>(value.ToString(), ignoreCase: true);

    public static T? Maybe<T>(Enum? value)
        where T : struct, Enum => value is null ? null : To<T>(value);
}
