using System.Text.Json;
using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using Coser.Checkpoints.Renaming;

namespace Coser.Tests.Checkpoints;

/// <summary>Every key of every full-size checkpoint lands in one parameter of equal shape, proven on the manifests.</summary>
public sealed class RenamingTests
{
    private static readonly Dictionary<string, string> ReferencePrefixes = new(StringComparer.Ordinal)
    {
        [ComponentNames.PreSr] = "pre_sr_model.",
        [ComponentNames.Clip] = "cond_stage_model.model.",
        [ComponentNames.Adapter] = "global_adapter.",
        [ComponentNames.Unet] = "model.diffusion_model.",
        [ComponentNames.Control] = "structcond_stage_model.",
        [ComponentNames.Autoencoder] = "first_stage_model.",
    };

    [Theory]
    [InlineData("coser_full", "CoSeR", "presr clip adapter unet control autoencoder", 12)]
    [InlineData("coser_stage1", "CoSeR stage 1", "presr clip adapter", 0)]
    [InlineData("sd21_original", "Stable Diffusion 2.1 (original)", "clip unet autoencoder", 0)]
    [InlineData("openclip_vit_h_14", "open_clip", "clip", 0)]
    [InlineData("cfw_autoencoder", "StableSR CFW autoencoder", "cfw", 0)]
    [InlineData("msrresnet_x4", "MSRResNet", "presr", 0)]
    [InlineData("sd21_diffusers_unet", "diffusers UNet", "unet", 0)]
    [InlineData("sd21_diffusers_vae", "diffusers autoencoder", "autoencoder", 0)]
    [InlineData("sd21_diffusers_text_encoder", "diffusers text encoder", "clip", 0)]
    public void A_file_splits_into_components_without_rest(
        string manifest,
        string layout,
        string components,
        int ignorable
    )
    {
        using var file = new ManifestCheckpoint(manifest);
        Assert.Single(RenamingTables.All, t => t.Fits(file.Entries));
        RenamedCheckpoint renamed = RenamingTables.For(file).Apply(file);
        Assert.Equal(layout, renamed.Layout);
        Assert.Empty(renamed.Unknown);
        Assert.Equal(ignorable, renamed.Ignored.Count);
        Assert.Equal(components.Split(' ').Order(), renamed.Tensors.Select(t => t.Component).Distinct().Order());
        Assert.Equal(renamed.Tensors.Count, renamed.Tensors.Select(t => (t.Component, t.Key)).Distinct().Count());
        // Every key is used just once, and no number is lost.
        Assert.Equal(
            file.Entries.Keys.Except(renamed.Ignored.Keys).Order(StringComparer.Ordinal),
            renamed.Tensors.SelectMany(t => t.Sources).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            file.Entries.Values.Where(e => !renamed.Ignored.ContainsKey(e.Name)).Sum(e => e.Length),
            renamed.Tensors.Sum(t => t.DType.Bytes(t.Shape)!.Value)
        );
    }

    [Theory]
    [InlineData("coser_full")]
    [InlineData("coser_stage1")]
    [InlineData("sd21_original")]
    [InlineData("openclip_vit_h_14")]
    [InlineData("msrresnet_x4")]
    [InlineData("sd21_diffusers_unet")]
    [InlineData("sd21_diffusers_vae")]
    [InlineData("sd21_diffusers_text_encoder")]
    public void Every_layout_gives_parameters_of_the_whole_checkpoint_in_equal_shape(string manifest)
    {
        using var whole = new ManifestCheckpoint("coser_full");
        using var file = new ManifestCheckpoint(manifest);
        foreach (RenamedTensor tensor in RenamingTables.For(file).Apply(file).Tensors)
            Assert.Equal(whole.Entries[ReferencePrefixes[tensor.Component] + tensor.Key].Shape, tensor.Shape);
    }

    [Theory]
    [InlineData("unet", "sd21_diffusers_unet")]
    [InlineData("vae", "sd21_diffusers_vae")]
    [InlineData("text_encoder", "sd21_diffusers_text_encoder")]
    public void Diffusers_names_become_the_original_ones(string part, string manifest)
    {
        using var file = new ManifestCheckpoint(manifest);
        Dictionary<string, string> truth = ManifestCheckpoint
            .Document("sd21_diffusers_to_original")
            .GetProperty(part)
            .EnumerateArray()
            .ToDictionary(p => p[0].GetString()!, p => p[1].GetString()!, StringComparer.Ordinal);
        RenamedCheckpoint renamed = RenamingTables.For(file).Apply(file);
        var whole = renamed.Tensors.Where(t => t.Sources.Count == 1).ToList();
        Assert.Equal(
            truth.OrderBy(p => p.Key, StringComparer.Ordinal),
            whole
                .Select(t => KeyValuePair.Create(t.Sources[0], ReferencePrefixes[t.Component] + t.Key))
                .OrderBy(p => p.Key, StringComparer.Ordinal)
        );
        // Joined: query, key and value of the text encoder, in this order.
        foreach (RenamedTensor joined in renamed.Tensors.Except(whole))
        {
            string last = joined.Key[(joined.Key.LastIndexOf('_') + 1)..];
            Assert.Equal(
                new[] { "q_proj", "k_proj", "v_proj" }.Select(p => $"{p}.{last}"),
                joined.Sources.Select(s => s[(s.IndexOf("self_attn.", StringComparison.Ordinal) + 10)..])
            );
        }
    }

    [Fact]
    public void Diffusers_parts_are_the_whole_original_but_for_what_the_manifest_names()
    {
        using var original = new ManifestCheckpoint("sd21_original");
        HashSet<string> made =
        [
            .. new[] { "sd21_diffusers_unet", "sd21_diffusers_vae", "sd21_diffusers_text_encoder" }
                .Select(n => new ManifestCheckpoint(n))
                .SelectMany(f => RenamingTables.For(f).Apply(f).Tensors)
                .Select(t => ReferencePrefixes[t.Component] + t.Key),
        ];
        JsonElement notByName = ManifestCheckpoint
            .Document("sd21_diffusers_to_original")
            .GetProperty("not_mapped_by_name");
        Assert.Equal(
            notByName
                .EnumerateArray()
                .Select(k => k.GetString()!)
                .Where(k => !made.Contains(k))
                .Order(StringComparer.Ordinal),
            original.Entries.Keys.Where(k => !made.Contains(k)).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void The_wrapping_autoencoder_contains_the_plain_one()
    {
        using var whole = new ManifestCheckpoint("coser_full");
        using var wrapped = new ManifestCheckpoint("cfw_autoencoder");
        Dictionary<string, RenamedTensor> cfw = RenamingTables
            .Cfw.Apply(wrapped)
            .Tensors.ToDictionary(t => t.Key, StringComparer.Ordinal);
        foreach (
            RenamedTensor tensor in RenamingTables
                .CoserFull.Apply(whole)
                .Tensors.Where(t => t.Component == "autoencoder")
        )
            Assert.Equal(tensor.Shape, cfw[tensor.Key].Shape);
    }

    [Theory]
    [InlineData(
        "rrdbnet_x4",
        "RRDBNet (BasicSR)",
        "rrdbnet",
        "{\"scale\":4,\"num_feat\":64,\"num_block\":23,\"num_grow_ch\":32}"
    )]
    [InlineData(
        "srvgg_x4v3",
        "SRVGGNetCompact",
        "srvgg",
        "{\"num_feat\":64,\"num_conv\":32,\"upscale\":4,\"act_type\":\"prelu\"}"
    )]
    public void A_full_size_baseline_is_known_by_its_tensors(string manifest, string layout, string kind, string config)
    {
        using var file = new ManifestCheckpoint(manifest);
        RenamingTable table = RenamingTables.For(file);
        Assert.Equal(layout, table.Layout);
        RenamedCheckpoint content = table.Apply(file);
        Assert.Empty(content.Unknown);
        Dictionary<string, long[]> shapes = content.Tensors.ToDictionary(
            t => t.Key,
            t => t.Shape,
            StringComparer.Ordinal
        );
        (NetworkKind found, JsonElement inferred, _) = InferredConfigs.Of("presr", shapes);
        Assert.Equal(kind, found.Name);
        Assert.Equal(config, JsonSerializer.Serialize(inferred));
        using TorchSharp.torch.nn.Module network = found.Build(inferred);
        Assert.True(WeightLoader.Compare(network, shapes).IsEmpty);
    }

    [Theory]
    [InlineData("stablesr_unet_and_encoder", "StableSR")]
    public void Other_models_are_refused_by_name(string manifest, string reason)
    {
        using var file = new ManifestCheckpoint(manifest);
        Assert.Contains(reason, Assert.Throws<CheckpointException>(() => RenamingTables.For(file)).Message);
    }
}
