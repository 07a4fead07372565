using Coser.Checkpoints.Renaming;
using Coser.Networks;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.Unet;
using static TorchSharp.torch;

namespace Coser.Checkpoints;

/// <summary>What is wrong with a part of a model.</summary>
/// <param name="Part">A component's role, or <c>model</c> for what its components make together.</param>
/// <param name="Problem">In one line.</param>
public sealed record ModelProblem(string Part, string Problem);

/// <summary>Checks that the components of a model are complete and fit each other.</summary>
public static class ModelVerifier
{
    /// <summary>Every misfit of a model. Networks are built without values, and none is read unless asked for.</summary>
    /// <param name="kinds">The kinds of networks there may be.</param>
    /// <param name="values">Also read all numbers and look for those that are not finite.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<ModelProblem> Verify(
        ModelDirectory model,
        IReadOnlyList<NetworkKind> kinds,
        bool values = false,
        CancellationToken cancel = default
    )
    {
        var problems = new List<ModelProblem>();
        var networks = new Dictionary<string, nn.Module>(StringComparer.Ordinal);
        try
        {
            foreach ((string role, ComponentManifest component) in model.Manifest.Components)
            {
                if (kinds.FirstOrDefault(k => k.Name == component.Kind) is not { } kind)
                {
                    problems.Add(new(role, $"no network of kind '{component.Kind}' is known"));
                    continue;
                }
                try
                {
                    networks[role] = model.Build(role, kind);
                }
                catch (CheckpointException e)
                {
                    problems.Add(new(role, e.Message));
                    continue;
                }
                WeightMismatch mismatch = WeightLoader.Compare(networks[role], model.Weights(role));
                problems.AddRange(mismatch.Missing.Select(k => new ModelProblem(role, $"missing: {k}")));
                problems.AddRange(mismatch.Unexpected.Select(k => new ModelProblem(role, $"unexpected: {k}")));
                problems.AddRange(mismatch.MisShaped.Select(k => new ModelProblem(role, $"of another shape: {k}")));
                if (values)
                    problems.AddRange(NotFinite(model.Weights(role), cancel).Select(p => new ModelProblem(role, p)));
            }
            problems.AddRange(Together(model.Manifest, networks).Select(p => new ModelProblem("model", p)));
            return problems;
        }
        finally
        {
            foreach (nn.Module network in networks.Values)
                network.Dispose();
        }
    }

    private static IEnumerable<string> NotFinite(SafetensorsFile file, CancellationToken cancel)
    {
        foreach (CheckpointEntry entry in file.Entries.Values)
        {
            cancel.ThrowIfCancellationRequested();
            if (entry.DType.Torch is null)
            {
                yield return $"{entry.Name} has the type {entry.DType}, which the engine lacks";
                continue;
            }
            if (Count(entry.Name) is > 0 and var count)
                yield return $"{entry.Name} has {count} numbers that are not finite";
        }

        long Count(string name)
        {
            using var scope = NewDisposeScope();
            Tensor values = file.Read(name);
            // A sum is not finite if a number is not; the other way round it must be counted, which is slow.
            bool isFinite = !values.is_floating_point() || double.IsFinite(values.sum().to(float64).item<double>());
            long count = isFinite ? 0 : values.isfinite().logical_not().sum().item<long>();
            file.Forget(name);
            return count;
        }
    }

    // Sizes that two networks must share.
    private static IEnumerable<string> Together(ModelManifest manifest, Dictionary<string, nn.Module> networks)
    {
        UnetConfig? unet = Find<UnetModel>(ComponentNames.Unet)?.Config;
        ControlConfig? control = Find<ControlEncoder>(ComponentNames.Control)?.Config;
        ClipConfig? clip = Find<ClipModel>(ComponentNames.Clip)?.Config;
        CognitiveAdapterConfig? adapter = Find<CognitiveAdapter>(ComponentNames.Adapter)?.Config;
        AutoencoderConfig? autoencoder = Find<KlAutoencoder>(ComponentNames.Autoencoder)?.Config;
        AutoencoderConfig? cfw = Find<KlAutoencoder>(ComponentNames.Cfw)?.Config;
        int? preSr = (networks.GetValueOrDefault(ComponentNames.PreSr) as IEnlarger)?.Scale;
        (string First, object? A, string Second, object? B)[] pairs =
        [
            ("unet's context_dim", unet?.ContextDim, "width of clip's text tower", clip?.Text.Width),
            ("unet's context_dim", unet?.ContextDim, "adapter's hidden_size", adapter?.HiddenSize),
            ("control's context_dim", control?.ContextDim, "unet's", unet?.ContextDim),
            ("adapter's vision_width", adapter?.VisionWidth, "clip's embed_dim", clip?.EmbedDim),
            ("unet's in_channels", unet?.InChannels, "autoencoder's embed_dim", autoencoder?.EmbedDim),
            ("unet's out_channels", unet?.OutChannels, "its in_channels", unet?.InChannels),
            ("control's in_channels", control?.InChannels, "unet's", unet?.InChannels),
            ("control's widths", Widths(control), "unet's", Widths(unet)),
            ("control's num_res_blocks", control?.ResBlocks, "unet's", unet?.ResBlocks),
            ("cfw's embed_dim", cfw?.EmbedDim, "autoencoder's", autoencoder?.EmbedDim),
            ("cfw's scale_factor", cfw?.ScaleFactor, "autoencoder's", autoencoder?.ScaleFactor),
            ("presr's upscale", preSr, "the model's scale", manifest.Scale),
        ];
        foreach ((string first, object? a, string second, object? b) in pairs)
        {
            if (a is not null && b is not null && !a.Equals(b))
                yield return $"{first} {a} differs from {second} {b}";
        }
        if (control is not null && unet is { AllInAttention: false })
            yield return "there is a control, but the unet has no All-in-Attention";
        if (cfw is { FuseBlocks: null })
            yield return "cfw has no feature fusion";

        TNetwork? Find<TNetwork>(string role)
            where TNetwork : nn.Module => networks.GetValueOrDefault(role) as TNetwork;
    }

    private static string? Widths(EncoderConfig? config) =>
        config is null ? null : string.Join("-", config.ChannelMultipliers.Select(m => m * config.ModelChannels));
}
