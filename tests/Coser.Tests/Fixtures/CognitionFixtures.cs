using System.Text.Json;
using Coser.Checkpoints;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using TorchSharp;

namespace Coser.Tests.Fixtures;

internal static class CognitionFixtures
{
    [FixtureKind("qformer")]
    public static void Adapter(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        Assert.Equal("gelu(erf)", c.GetProperty("act").GetString());
        CognitiveAdapterConfig config = AdapterConfig(c);
        using var adapter = new CognitiveAdapter(config);
        adapter.eval();
        Fill(fixture, adapter, fixture.Prefix);
        using var grad = torch.enable_grad();
        torch.Tensor output = adapter.call(fixture.Input("image_features"));
        torch.Tensor supervision = CognitiveSupervision.Select(
            fixture.Input("text"),
            fixture.Input("tokens"),
            config.Queries
        );
        torch.Tensor loss = CognitiveSupervision.Loss(output, supervision);
        loss.backward();
        fixture.AssertOutput("output", output);
        fixture.AssertOutput("loss", loss);
        for (int row = 0; row < output.shape[0]; row++)
            fixture.AssertOutput($"loss_row{row}", CognitiveSupervision.Loss(output[row], supervision[row]));
        Dictionary<string, torch.Tensor> gradients = adapter
            .named_parameters()
            .Where(p => p.parameter.grad is not null)
            .ToDictionary(p => p.name, p => p.parameter.grad!);
        fixture.AssertOutput("grad_query_tokens", gradients["query_tokens"]);
        fixture.AssertOutput("grad_norm_query_tokens", gradients["query_tokens"].norm());
        fixture.AssertOutput("grad_l0_cross_key", gradients["Qformer.encoder.layer.0.crossattention.self.key.weight"]);
    }

    [FixtureKind("openclip")]
    public static void Towers(FixtureCase fixture)
    {
        Assert.Equal("gelu(erf)", fixture.Config.GetProperty("act").GetString());
        ClipConfig config = ClipConfig(fixture.Config);
        using var clip = new ClipModel(config);
        // The reproduction's embedder holds the network as "model".
        Fill(fixture, clip, fixture.Prefix + "model.");
        torch.Tensor image = fixture.Input("image");
        torch.Tensor tokens = fixture.Input("tokens");
        fixture.AssertOutput("vision_tokens_projected", clip.ImageTokens(image));
        fixture.AssertOutput("visual_tokens_raw", clip.RawImageTokens(image));
        fixture.AssertOutput("visual_pooled_gap", clip.EmbedImage(image, normalise: false, ClipPooling.Average));
        fixture.AssertOutput("image_embed", clip.EmbedImage(image, normalise: false));
        fixture.AssertOutput("image_embed_norm", clip.EmbedImage(image));
        fixture.AssertOutput("text_penultimate_ln", clip.TextTokens(tokens));
        fixture.AssertOutput("text_last_ln", clip.TextTokens(tokens, ClipTextLayer.Last));
        fixture.AssertOutput("text_embed", clip.EmbedText(tokens, normalise: false));
        fixture.AssertOutput("text_embed_norm", clip.EmbedText(tokens));
        fixture.AssertOutput("cosine", ClipSimilarity.CosineMatrix(clip.EmbedImage(image), clip.EmbedText(tokens)));
    }

    [FixtureKind("clip_image_similarity")]
    public static void Image_similarity(FixtureCase fixture)
    {
        // The text tower takes no part: any will do.
        ClipConfig config = VisionConfig(fixture.Config) with
        {
            Text = new ClipTextConfig
            {
                Width = 8,
                Heads = 1,
                Layers = 1,
                VocabSize = 4,
            },
        };
        using var clip = new ClipModel(config);
        fixture.FillWeights(clip, fixture.Prefix);
        torch.Tensor a = clip.EmbedImage(fixture.Input("pre_a"));
        torch.Tensor b = clip.EmbedImage(fixture.Input("pre_b"));
        fixture.AssertOutput("embed_a", a);
        fixture.AssertOutput("embed_b", b);
        fixture.AssertOutput("cosine", ClipSimilarity.Cosine(a, b));
        fixture.AssertOutput("cosine_matrix", ClipSimilarity.CosineMatrix(a, b));
        foreach (string name in new[] { "a", "b" })
        {
            torch.Tensor pixels = fixture.Input(name + "_u8").to(torch.float32) / 255;
            torch.Tensor prepared = ClipPreprocessing.CentreCrop(pixels, config);
            // One step of 255, by the smallest deviation.
            double difference = (prepared - fixture.Input("pre_" + name)).abs().max().item<float>();
            Assert.InRange(difference, 0, 1.01 / 255 / config.Preprocess.Std.Min());
        }
    }

    [FixtureKind("clip_preprocess")]
    public static void Preprocessing(FixtureCase fixture)
    {
        var config = new ClipConfig
        {
            Vision = new ClipVisionConfig { ImageSize = fixture.Config.GetProperty("size").GetInt32() },
            Preprocess = new ClipPreprocessConfig
            {
                Mean = fixture.Config.GetProperty("mean").Deserialize<float[]>()!,
                Std = fixture.Config.GetProperty("std").Deserialize<float[]>()!,
            },
        };
        // The other outputs belong to a resize that is not used, or to a part of this one.
        foreach (string name in fixture.OutputNames.Where(fixture.HasInput))
            fixture.AssertOutput(name, ClipPreprocessing.Stretch(fixture.Input(name), config));
    }

    /// <summary>The adapter of a case.</summary>
    internal static CognitiveAdapterConfig AdapterConfig(JsonElement c) =>
        new()
        {
            Queries = c.GetProperty("num_query_token").GetInt32(),
            // Where it is not said, image tokens are as wide as queries.
            VisionWidth = c.TryGetProperty("vision_width", out JsonElement vision)
                ? vision.GetInt32()
                : c.GetProperty("hidden").GetInt32(),
            HiddenSize = c.GetProperty("hidden").GetInt32(),
            Heads = c.GetProperty("heads").GetInt32(),
            Layers = c.GetProperty("layers").GetInt32(),
            CrossAttentionFrequency = c.GetProperty("cross_attention_freq").GetInt32(),
            IntermediateSize = c.GetProperty("intermediate").GetInt32(),
            VocabSize = c.GetProperty("vocab").GetInt32(),
            MaxPositions = c.GetProperty("max_position").GetInt32(),
            LayerNormEps = c.TryGetProperty("layer_norm_eps", out JsonElement eps) ? eps.GetDouble() : 1e-12,
        };

    /// <summary>Both towers of a case.</summary>
    internal static ClipConfig ClipConfig(JsonElement c)
    {
        JsonElement text = c.GetProperty("text");
        return VisionConfig(c) with
        {
            Text = new ClipTextConfig
            {
                Width = text.GetProperty("width").GetInt32(),
                Heads = text.GetProperty("heads").GetInt32(),
                Layers = text.GetProperty("layers").GetInt32(),
                ContextLength = text.GetProperty("ctx").GetInt32(),
                VocabSize = text.GetProperty("vocab").GetInt32(),
            },
        };
    }

    private static ClipConfig VisionConfig(JsonElement c)
    {
        JsonElement vision = c.GetProperty("vision");
        return new ClipConfig
        {
            EmbedDim = c.GetProperty("embed_dim").GetInt32(),
            Vision = new ClipVisionConfig
            {
                Width = vision.GetProperty("width").GetInt32(),
                Layers = vision.GetProperty("layers").GetInt32(),
                HeadWidth = vision.GetProperty("head_width").GetInt32(),
                PatchSize = vision.GetProperty("patch").GetInt32(),
                ImageSize = vision.GetProperty("image").GetInt32(),
            },
        };
    }

    // Values depend on names, but only of what is used: the weights' file tells that every name and shape is there.
    private static void Fill(FixtureCase fixture, torch.nn.Module module, string prefix)
    {
        string file = Path.Combine(fixture.Folder, "weights.safetensors");
        if (File.Exists(file))
        {
            using SafetensorsFile weights = SafetensorsFile.Open(file);
            Assert.Equal(
                weights
                    .Entries.Values.Select(e => $"{e.Name} [{string.Join(",", e.Shape)}]")
                    .Order(StringComparer.Ordinal),
                Shapes.Of(module, prefix)
            );
        }
        fixture.FillWeights(module, prefix);
    }
}

internal static class Shapes
{
    /// <summary>"name [shape]" of all that a checkpoint holds, in order.</summary>
    public static IEnumerable<string> Of(torch.nn.Module module, string prefix = "") =>
        module
            .state_dict()
            .Select(s => $"{prefix}{s.Key} [{string.Join(",", s.Value.shape)}]")
            .Order(StringComparer.Ordinal);
}
