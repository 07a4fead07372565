using System.Text.Json;
using Coser.Checkpoints;
using Coser.Networks.Layers;
using Coser.Networks.Unet;
using TorchSharp;

namespace Coser.Tests.Fixtures;

internal static class UnetFixtures
{
    [FixtureKind("block_timestep_embedding")]
    public static void Timestep_embedding(FixtureCase fixture)
    {
        Assert.Equal(10_000, fixture.Config.GetProperty("max_period").GetInt32());
        foreach (int width in fixture.Config.GetProperty("dims").Deserialize<int[]>()!)
            fixture.AssertOutput($"emb_dim{width}", TimeEmbedding.Waves(fixture.Input("t"), width));
    }

    [FixtureKind("block_resblock")]
    public static void Residual_block(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        var config = new UnetConfig
        {
            ModelChannels = Int(c, "emb_channels") / 4,
            NormGroups = Int(c, "groups"),
            ScaleShift = Flag(c, "use_scale_shift_norm"),
        };
        Resampling resampling =
            Flag(c, "up") ? Resampling.Double
            : Flag(c, "down") ? Resampling.Halve
            : Resampling.None;
        using var block = new TimeResBlock(Int(c, "channels"), Int(c, "out_channels"), config, null, resampling);
        fixture.FillWeights(block);
        fixture.AssertOutput("y", block.Run(fixture.Input("x"), torch.nn.functional.silu(fixture.Input("emb"))));
    }

    [FixtureKind("block_downsample")]
    public static void Halving(FixtureCase fixture) =>
        AssertModule(fixture, new Halving(Int(fixture.Config, "channels"), Int(fixture.Config, "out_channels"), null));

    [FixtureKind("block_upsample")]
    public static void Doubling(FixtureCase fixture) =>
        AssertModule(fixture, new Doubling(Int(fixture.Config, "channels"), Int(fixture.Config, "out_channels"), null));

    [FixtureKind("block_geglu_ff")]
    public static void Gated_feed_forward(FixtureCase fixture)
    {
        Assert.Equal(4, Int(fixture.Config, "mult"));
        AssertModule(fixture, new GatedFeedForward(Int(fixture.Config, "dim"), null));
    }

    [FixtureKind("block_cross_attention")]
    public static void Soft_attention(FixtureCase fixture)
    {
        using Attention attention = NewAttention(fixture, Int(fixture.Config, "context_dim"));
        fixture.AssertOutput("y", attention.Run(fixture.Input("x"), fixture.Input("context")));
    }

    [FixtureKind("block_cross_attention_hard")]
    public static void One_hot_attention(FixtureCase fixture)
    {
        using Attention attention = NewAttention(fixture, Int(fixture.Config, "query_dim"));
        fixture.AssertOutput("y", attention.Choose(fixture.Input("x"), fixture.Input("context")));
    }

    [FixtureKind("block_spatial_transformer")]
    public static void Transformer(FixtureCase fixture)
    {
        using var transformer = new SpatialTransformer(Int(fixture.Config, "in_channels"), BlockConfig(fixture), null);
        fixture.FillWeights(transformer);
        fixture.AssertOutput("y", transformer.Run(fixture.Input("x"), Context(fixture, "context", "lr_prompt"), null));
    }

    [FixtureKind("block_aia")]
    public static void All_in_attention(FixtureCase fixture)
    {
        Assert.False(Flag(fixture.Config, "merge_x2"));
        int width = Int(fixture.Config, "in_channels");
        int control = Flag(fixture.Config, "dubch") ? width / 2 : width;
        using var transformer = new SpatialTransformer(width, BlockConfig(fixture), null, control);
        AssertKeys(fixture, transformer);
        fixture.FillWeights(transformer);
        AttentionMemory? memory = Flag(fixture.Config, "gen_mode")
            ? null
            : transformer.Remember(fixture.Input("lr"), fixture.Input("ref"));
        torch.Tensor context = Context(fixture, "context", "lr_prompt");
        fixture.AssertOutput("y", transformer.Run(fixture.Input("x"), context, memory));
    }

    [FixtureKind("controlnet")]
    public static void Control(FixtureCase fixture)
    {
        using var control = new ControlEncoder(Reference.ControlConfig(fixture.Config));
        AssertKeys(fixture, control, fixture.Prefix);
        fixture.FillWeights(control, fixture.Prefix);
        using ControlFeatures features = control.Encode(
            fixture.Input("x"),
            fixture.Input("hint"),
            fixture.Input("t"),
            Context(fixture, "context", "lr_prompt")
        );
        Assert.Equal(fixture.OutputNames.Count(), features.Maps.Count);
        for (int i = 0; i < features.Maps.Count; i++)
            fixture.AssertOutput($"level{i:00}", features.Maps[i]);
    }

    [FixtureKind("unet_aia_gen")]
    public static void Generation(FixtureCase fixture)
    {
        using var unet = new UnetModel(Reference.UnetConfig(fixture.Config));
        AssertKeys(fixture, unet, fixture.Prefix);
        fixture.FillWeights(unet, fixture.Prefix);
        torch.Tensor context = Context(fixture, "prompt_emb", "lr_prompt_emb");
        fixture.AssertOutput("eps", unet.Predict(fixture.Input("x"), fixture.Input("t"), context));
    }

    [FixtureKind("unet_aia_sr")]
    public static void Super_resolution(FixtureCase fixture)
    {
        using var unet = new UnetModel(Reference.UnetConfig(fixture.Config.GetProperty("unet")));
        using var control = new ControlEncoder(Reference.ControlConfig(fixture.Config.GetProperty("control")));
        fixture.FillWeights(unet, fixture.Prefix + Reference.UnetPrefix);
        fixture.FillWeights(control, fixture.Prefix + Reference.ControlPrefix);
        torch.Tensor x = fixture.Input("x");
        torch.Tensor t = fixture.Input("t");
        torch.Tensor context = Context(fixture, "prompt_emb", "lr_prompt_emb");
        using ControlFeatures lr = control.Encode(x, fixture.Input("lr"), t, context);
        using ControlFeatures reference = control.Encode(x, fixture.Input("reference"), t, context);
        foreach ((string name, ControlFeatures features) in new[] { ("struct", lr), ("ref_struct", reference) })
        {
            fixture.AssertOutput(name + "_mid", features.Maps[^1]);
            fixture.AssertOutput(name + "_00", features.Maps[0]);
        }
        using ControlMemory memory = unet.Remember(lr, reference);
        fixture.AssertOutput("eps", unet.Predict(x, t, context, memory));
    }

    private static int Int(JsonElement config, string name) => config.GetProperty(name).GetInt32();

    private static bool Flag(JsonElement config, string name) =>
        config.TryGetProperty(name, out JsonElement value) && value.GetBoolean();

    private static void AssertModule(FixtureCase fixture, torch.nn.Module<torch.Tensor, torch.Tensor> module)
    {
        using (module)
        {
            fixture.FillWeights(module);
            fixture.AssertOutput("y", module.call(fixture.Input("x")));
        }
    }

    private static Attention NewAttention(FixtureCase fixture, int contextWidth)
    {
        JsonElement c = fixture.Config;
        var attention = new Attention(
            Int(c, "query_dim"),
            contextWidth,
            Int(c, "heads"),
            Int(c, "dim_head"),
            device: null
        );
        fixture.FillWeights(attention);
        return attention;
    }

    private static UnetConfig BlockConfig(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        Assert.Equal(Int(c, "in_channels"), Int(c, "heads") * Int(c, "dim_head"));
        return new UnetConfig
        {
            HeadChannels = Int(c, "dim_head"),
            TransformerDepth = c.TryGetProperty("depth", out JsonElement depth) ? depth.GetInt32() : 1,
            ContextDim = Int(c, "context_dim"),
            LinearInTransformer = Flag(c, "use_linear"),
        };
    }

    // Prompt tokens, where there are any, then the cognitive embedding.
    private static torch.Tensor Context(FixtureCase fixture, string prompt, string cognition) =>
        fixture.HasInput(prompt)
            ? torch.cat([fixture.Input(prompt), fixture.Input(cognition)], dim: 1)
            : fixture.Input(cognition);

    private static void AssertKeys(FixtureCase fixture, torch.nn.Module module, string prefix = "")
    {
        // The project's own copies of the small cases have no weight file: a wrong name gives wrong values all the same.
        string keys = Path.Combine(fixture.Folder, "keys.json");
        string weights = Path.Combine(fixture.Folder, "weights.safetensors");
        if (File.Exists(keys))
        {
            using JsonDocument list = JsonDocument.Parse(File.ReadAllBytes(keys));
            Compare(
                list.RootElement.EnumerateArray()
                    .Select(k => (k.GetProperty("key").GetString()!, k.GetProperty("shape").Deserialize<long[]>()!))
            );
        }
        else if (File.Exists(weights))
        {
            using SafetensorsFile file = SafetensorsFile.Open(weights);
            Compare(file.Entries.Values.Select(e => (e.Name, e.Shape.ToArray())));
        }

        void Compare(IEnumerable<(string Key, long[] Shape)> expected) =>
            Assert.Equal(
                expected.Select(e => $"{e.Key} [{string.Join(",", e.Shape)}]").Order(StringComparer.Ordinal),
                Shapes.Of(module, prefix)
            );
    }
}

/// <summary>How the reference implementation names things in its configurations and checkpoints.</summary>
internal static class Reference
{
    public const string UnetPrefix = "model.diffusion_model.";
    public const string ControlPrefix = "structcond_stage_model.";

    // Members that only its own trainer reads, or that have one value in every published configuration.
    private static readonly string[] Unread =
    [
        "image_size",
        "hint_channels",
        "use_spatial_transformer",
        "use_checkpoint",
        "legacy",
        "transformer_version",
        "merge_x2",
        "gen_mode",
        "prompt_emb",
    ];

    public static UnetConfig UnetConfig(JsonElement config) => Read<UnetConfig>(config);

    public static ControlConfig ControlConfig(JsonElement config) => Read<ControlConfig>(config);

    private static T Read<T>(JsonElement config) =>
        JsonSerializer
            .SerializeToElement(
                config.EnumerateObject().Where(p => !Unread.Contains(p.Name)).ToDictionary(p => p.Name, p => p.Value)
            )
            .Deserialize<T>(CoserJson.Strict)!;
}
