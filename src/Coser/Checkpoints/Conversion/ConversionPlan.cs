using System.Text.Json;
using Coser.Checkpoints.Renaming;
using Coser.Networks.Unet;
using static TorchSharp.torch;

namespace Coser.Checkpoints.Conversion;

/// <summary>A component of the model to be: what it is and what it is made of.</summary>
internal sealed record PlannedComponent(
    string Role,
    NetworkKind Kind,
    JsonElement Config,
    bool IsFullSize,
    IReadOnlyDictionary<string, AssembledTensor> Tensors,
    IReadOnlyList<string> Missing
);

/// <summary>Everything about a conversion that can be known before a number is read.</summary>
internal sealed class ConversionPlan : IDisposable
{
    private ConversionPlan(
        IReadOnlyList<ConversionSource> sources,
        IReadOnlyList<PlannedComponent> components,
        string? baseline
    ) => (Sources, Components, Baseline) = (sources, components, baseline);

    /// <summary>The files, those that win last.</summary>
    public IReadOnlyList<ConversionSource> Sources { get; }

    /// <summary>The layout of a network that makes a model by itself; null: the model is CoSeR.</summary>
    public string? Baseline { get; }

    /// <summary>In the order of the pipeline.</summary>
    public IReadOnlyList<PlannedComponent> Components { get; }

    /// <exception cref="CheckpointException">A file is unusable, two contradict each other, or something is missing.</exception>
    public static ConversionPlan Make(ConversionRequest request)
    {
        var sources = new List<ConversionSource>();
        try
        {
            Open(request, sources);
            string? baseline = FindBaseline(sources);
            var joined = ComponentAssembly.Join(sources);
            IReadOnlyList<string> required = baseline is null ? request.Required : [ComponentNames.PreSr];
            string[] lacking = [.. required.Where(r => !joined.ContainsKey(r)).Select(r => Advice(r, []))];
            PlannedComponent[] components =
            [
                .. ComponentNames.All.Where(joined.ContainsKey).Select(c => Plan(c, joined[c], request.Output)),
            ];
            string[] incomplete =
            [
                .. components.Where(c => c.Missing.Count > 0).Select(c => Advice(c.Role, c.Missing)),
            ];
            if (lacking.Length + incomplete.Length > 0)
                throw new CheckpointException(
                    request.Output,
                    $"the model would be incomplete: {string.Join("; ", [.. lacking, .. incomplete])}"
                );
            return new ConversionPlan(sources, components, baseline);
        }
        catch
        {
            sources.ForEach(s => s.Dispose());
            throw;
        }
    }

    public void Dispose()
    {
        foreach (ConversionSource source in Sources)
            source.Dispose();
    }

    private static void Open(ConversionRequest request, List<ConversionSource> sources)
    {
        if (request.StableDiffusion is { } folder && Directory.Exists(folder))
        {
            foreach (string file in DiffusersFolder.AllFiles(folder))
                sources.Add(
                    ConversionSource.Open(
                        "--sd",
                        file,
                        RenamingTables.DiffusersUnet,
                        RenamingTables.DiffusersAutoencoder,
                        RenamingTables.DiffusersTextEncoder
                    )
                );
        }
        else if (request.StableDiffusion is { } file)
        {
            sources.Add(ConversionSource.Open("--sd", file, RenamingTables.StableDiffusion));
        }
        if (request.Clip is { } clip)
            sources.Add(ConversionSource.Open("--clip", clip, RenamingTables.OpenClip));
        int before = sources.Count;
        foreach (string path in request.Coser)
        {
            var source = ConversionSource.Open("--coser", path, RenamingTables.CoserFull, RenamingTables.CoserStage1);
            // The whole checkpoint was trained after the first stage: it comes behind, whatever the order of the options.
            bool isStage1 = source.Content.Layout == RenamingTables.CoserStage1.Layout;
            sources.Insert(isStage1 ? before : sources.Count, source);
        }
        if (request.PreSr is { } preSr)
            sources.Add(
                ConversionSource.Open("--presr", preSr, [RenamingTables.MsrResNet, .. RenamingTables.Baselines])
            );
        if (request.Cfw is { } cfw)
            sources.Add(ConversionSource.Open("--cfw", cfw, RenamingTables.Cfw));
    }

    private static string? FindBaseline(List<ConversionSource> sources)
    {
        ConversionSource? found = sources.Find(s => RenamingTables.Baselines.Any(t => t.Layout == s.Content.Layout));
        if (found is not null && sources.Count > 1)
            throw new CheckpointException(
                found.File.Path,
                $"it is {found.Content.Layout}, a model by itself, which cannot be part of CoSeR: convert it alone"
            );
        return found?.Content.Layout;
    }

    private static PlannedComponent Plan(
        string role,
        IReadOnlyDictionary<string, AssembledTensor> tensors,
        string output
    )
    {
        var shapes = tensors.ToDictionary(t => t.Key, t => t.Value.Tensor.Shape, StringComparer.Ordinal);
        (NetworkKind kind, JsonElement config, bool isFullSize) = InferredConfigs.Of(role, shapes);
        try
        {
            using nn.Module network = kind.Build(config);
            WeightMismatch mismatch = WeightLoader.Compare(network, shapes);
            if (mismatch.Unexpected.Count + mismatch.MisShaped.Count == 0)
                return new PlannedComponent(role, kind, config, isFullSize, tensors, mismatch.Missing);
            string files = string.Join(" and ", tensors.Values.Select(t => t.Source.File.Path).Distinct());
            throw new CheckpointException(
                files,
                $"its {role} is not built like CoSeR's: {(mismatch with { Missing = [] }).Shortened()}"
            );
        }
        catch (ArgumentException e)
        {
            throw new CheckpointException(output, $"{role} has sizes that cannot be built: {e.Message}", e);
        }
    }

    private static string Advice(string role, IReadOnlyList<string> missing)
    {
        string what =
            missing.Count == 0
                ? $"{role} is missing"
                : $"{role} lacks {missing.Count} tensors ({string.Join(", ", missing.Take(2))}{(missing.Count > 2 ? ", ..." : "")})";
        string option = role switch
        {
            ComponentNames.Clip => "open_clip's ViT-H-14 with --clip",
            ComponentNames.Autoencoder => "Stable Diffusion 2.1-base with --sd",
            ComponentNames.Cfw => "StableSR's CFW autoencoder with --cfw",
            ComponentNames.PreSr => "CoSeR's checkpoint with --coser, or an MSRResNet with --presr",
            ComponentNames.Unet when missing.Count > 0 && !missing.Any(UnetModel.IsAllInAttention) =>
                "Stable Diffusion 2.1-base with --sd",
            _ => "CoSeR's checkpoint with --coser",
        };
        return $"{what}: give {option}";
    }
}
