using System.Globalization;
using System.Text.Json;
using Coser.Checkpoints.Renaming;
using Coser.Networks.Autoencoder;
using Coser.Networks.Baselines;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;

namespace Coser.Checkpoints.Conversion;

/// <summary>
/// Reads a network's sizes off its tensors. What no shape shows (heads, groups, constants) is the full-size model's; what is
/// missing is, too, and the comparison with the built network then names it.
/// </summary>
internal sealed class InferredConfigs
{
    private readonly IReadOnlyDictionary<string, long[]> _shapes;

    private InferredConfigs(IReadOnlyDictionary<string, long[]> shapes) => _shapes = shapes;

    /// <summary>Kind and configuration of a component.</summary>
    /// <param name="shapes">Of its tensors, by key.</param>
    public static (NetworkKind Kind, JsonElement Config, bool IsFullSize) Of(
        string component,
        IReadOnlyDictionary<string, long[]> shapes
    )
    {
        var sizes = new InferredConfigs(shapes);
        return component switch
        {
            ComponentNames.PreSr when shapes.ContainsKey("body.0.rdb1.conv1.weight") => Result(
                NetworkKinds.RrdbNet,
                sizes.Rrdb(),
                new RrdbNetConfig { Scale = sizes.Rrdb().Scale }
            ),
            ComponentNames.PreSr when shapes.ContainsKey("body.0.weight") => Result(
                NetworkKinds.SrVggNet,
                sizes.SrVgg(),
                new SrVggNetConfig()
            ),
            ComponentNames.PreSr => Result(NetworkKinds.MsrResNet, sizes.PreSr(), new MsrResNetConfig()),
            ComponentNames.Clip => Result(NetworkKinds.Clip, sizes.Clip(), new ClipConfig()),
            ComponentNames.Adapter => Result(NetworkKinds.Adapter, sizes.Adapter(), new CognitiveAdapterConfig()),
            ComponentNames.Unet => Result(NetworkKinds.Unet, sizes.Unet(), new UnetConfig()),
            ComponentNames.Control => Result(NetworkKinds.Control, sizes.Control(), new ControlConfig()),
            ComponentNames.Autoencoder => Result(
                NetworkKinds.Autoencoder,
                sizes.Autoencoder(),
                new AutoencoderConfig()
            ),
            ComponentNames.Cfw => Result(
                NetworkKinds.Autoencoder,
                sizes.Autoencoder() with
                {
                    FuseBlocks = Math.Max(1, sizes.Count("decoder.fusion_layer_1.encode_enc_2.{0}.rdb1.conv1.weight")),
                    FuseGrowth = sizes.Size("decoder.fusion_layer_1.encode_enc_2.0.rdb1.conv1.weight", 0, 32),
                },
                new AutoencoderConfig { FuseBlocks = 2 }
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(component), component, "no such component"),
        };
    }

    private static (NetworkKind, JsonElement, bool) Result<TConfig>(NetworkKind kind, TConfig config, TConfig full)
    {
        JsonElement json = JsonSerializer.SerializeToElement(config, CoserJson.Strict);
        return (kind, json, json.GetRawText() == JsonSerializer.Serialize(full, CoserJson.Strict));
    }

    private MsrResNetConfig PreSr()
    {
        int width = Size("conv_first.weight", 0, 64);
        return new MsrResNetConfig
        {
            Features = width,
            Blocks = Count("body.{0}.conv1.weight"),
            Upscale =
                _shapes.ContainsKey("upconv2.weight") ? 4
                : Size("upconv1.weight", 0, 4 * width) == 9 * width ? 3
                : 2,
        };
    }

    private RrdbNetConfig Rrdb() =>
        new()
        {
            // Pixels are folded into channels where the network enlarges less than 4 times.
            Scale = Size("conv_first.weight", 1, 3) switch
            {
                12 => 2,
                48 => 1,
                _ => 4,
            },
            Features = Size("conv_first.weight", 0, 64),
            Blocks = Count("body.{0}.rdb1.conv1.weight", 23),
            Growth = Size("body.0.rdb1.conv1.weight", 0, 32),
        };

    private SrVggNetConfig SrVgg()
    {
        int last = 0;
        while (_shapes.ContainsKey(Name("body.{0}.weight", last + 2)))
            last += 2;
        return new SrVggNetConfig
        {
            Features = Size("body.0.weight", 0, 64),
            Convolutions = Math.Max(0, last / 2 - 1),
            Upscale = (int)Math.Round(Math.Sqrt(Size(Name("body.{0}.weight", last), 0, 48) / 3.0)),
            // ReLU and leaky ReLU leave no trace; all published weights have PReLU.
            Activation = _shapes.ContainsKey("body.1.weight") ? "prelu" : "leakyrelu",
        };
    }

    private ClipConfig Clip()
    {
        var full = new ClipConfig();
        int text = Size("positional_embedding", 1, full.Text.Width);
        int vision = Size("visual.conv1.weight", 0, full.Vision.Width);
        int patch = Size("visual.conv1.weight", 2, full.Vision.PatchSize);
        int side = full.Vision.ImageSize / patch;
        int patches = Size("visual.positional_embedding", 0, side * side + 1) - 1;
        return full with
        {
            EmbedDim = Size("text_projection", 1, full.EmbedDim),
            Vision = full.Vision with
            {
                Width = vision,
                PatchSize = patch,
                ImageSize = patch * Math.Max(1, (int)Math.Round(Math.Sqrt(patches))),
                Layers = Count("visual.transformer.resblocks.{0}.ln_1.weight", full.Vision.Layers),
                MlpRatio = Size("visual.transformer.resblocks.0.mlp.c_fc.weight", 0, 4 * vision) / (double)vision,
            },
            Text = full.Text with
            {
                ContextLength = Size("positional_embedding", 0, full.Text.ContextLength),
                VocabSize = Size("token_embedding.weight", 0, full.Text.VocabSize),
                Width = text,
                // open_clip's towers have heads of 64.
                Heads = Math.Max(1, text / (full.Text.Width / full.Text.Heads)),
                Layers = Count("transformer.resblocks.{0}.ln_1.weight", full.Text.Layers),
                MlpRatio = Size("transformer.resblocks.0.mlp.c_fc.weight", 0, 4 * text) / (double)text,
            },
        };
    }

    private CognitiveAdapterConfig Adapter()
    {
        const string Layer = "Qformer.encoder.layer.{0}.";
        var full = new CognitiveAdapterConfig();
        int layers = Count(Layer + "attention.self.query.weight", full.Layers);
        const string Look = "Qformer.encoder.layer.{0}.crossattention.self.key.weight";
        return full with
        {
            Queries = Size("query_tokens", 1, full.Queries),
            HiddenSize = Size("query_tokens", 2, full.HiddenSize),
            VisionWidth = Size(Name(Look, 0), 1, full.VisionWidth),
            Layers = layers,
            CrossAttentionFrequency = Enumerable
                .Range(1, Math.Max(1, layers - 1))
                .FirstOrDefault(i => _shapes.ContainsKey(Name(Look, i)), layers),
            IntermediateSize = Size(Name(Layer, 0) + "intermediate_query.dense.weight", 0, full.IntermediateSize),
            TextBranch = _shapes.ContainsKey("Qformer.embeddings.word_embeddings.weight"),
            VocabSize = Size("Qformer.embeddings.word_embeddings.weight", 0, full.VocabSize),
            MaxPositions = Size("Qformer.embeddings.position_embeddings.weight", 0, full.MaxPositions),
        };
    }

    private UnetConfig Unet() =>
        Encoder(new UnetConfig()) with
        {
            OutChannels = Size("out.2.weight", 0, 4),
            AllInAttention = _shapes.ContainsKey("middle_block.1.norm_clr_lna.weight"),
        };

    private ControlConfig Control() => Encoder(new ControlConfig());

    private TConfig Encoder<TConfig>(TConfig full)
        where TConfig : EncoderConfig
    {
        const string Context = "middle_block.1.transformer_blocks.{0}.attn2.to_k.weight";
        int width = Size("input_blocks.0.0.weight", 0, full.ModelChannels);
        var levels = new List<int>();
        var attends = new List<int>();
        int blocks = 0;
        for (int i = 1; ; i++)
        {
            string block = $"input_blocks.{i}.";
            if (_shapes.ContainsKey(block + "0.in_layers.0.weight"))
            {
                int multiplier = Size(block + "0.out_layers.3.weight", 0, width) / width;
                if (levels.Count == 0)
                    levels.Add(multiplier);
                levels[^1] = multiplier;
                blocks += levels.Count == 1 ? 1 : 0;
                int reduction = 1 << Math.Min(levels.Count - 1, 30);
                if (_shapes.ContainsKey(block + "1.norm.weight") && !attends.Contains(reduction))
                    attends.Add(reduction);
            }
            else if (_shapes.ContainsKey(block + "0.op.weight"))
            {
                levels.Add(1);
            }
            else
            {
                break;
            }
        }
        if (levels.Count == 0)
            return full;
        bool asFull = Enumerable
            .Range(0, Math.Max(levels.Count, full.ChannelMultipliers.Count))
            .All(l => full.Attends(l) == attends.Contains(1 << l));
        return full with
        {
            InChannels = Size("input_blocks.0.0.weight", 1, full.InChannels),
            ModelChannels = width,
            ChannelMultipliers = levels.SequenceEqual(full.ChannelMultipliers) ? full.ChannelMultipliers : levels,
            ResBlocks = blocks,
            AttentionResolutions = asFull ? full.AttentionResolutions : [.. attends.OrderDescending()],
            TransformerDepth = Count(Context, full.TransformerDepth),
            LinearInTransformer = !_shapes.TryGetValue("middle_block.1.proj_in.weight", out var p) || p.Length == 2,
            ContextDim = Size(Name(Context, 0), 1, full.ContextDim),
            ScaleShift =
                Size("middle_block.0.emb_layers.1.weight", 0, 1) == 2 * Size("middle_block.0.in_layers.0.weight", 0, 1),
        };
    }

    private AutoencoderConfig Autoencoder()
    {
        var full = new AutoencoderConfig();
        int width = Size("encoder.conv_in.weight", 0, full.Channels);
        int levels = Count("encoder.down.{0}.block.0.conv1.weight", full.ChannelMultipliers.Count);
        return full with
        {
            EmbedDim = Size("post_quant_conv.weight", 1, full.EmbedDim),
            ZChannels = Size("post_quant_conv.weight", 0, full.ZChannels),
            InChannels = Size("encoder.conv_in.weight", 1, full.InChannels),
            OutChannels = Size("decoder.conv_out.weight", 0, full.OutChannels),
            Channels = width,
            ChannelMultipliers =
            [
                .. Enumerable
                    .Range(0, levels)
                    .Select(l => Size($"encoder.down.{l}.block.0.conv1.weight", 0, width) / width),
            ],
            ResBlocks = Count("encoder.down.0.block.{0}.conv1.weight", full.ResBlocks),
            MidAttention = _shapes.ContainsKey("encoder.mid.attn_1.q.weight"),
        };
    }

    // A size of a tensor, at least 1 and below what a file can hold; the full-size model's where the tensor is missing.
    private int Size(string key, int dimension, int otherwise) =>
        _shapes.TryGetValue(key, out long[]? shape) && dimension < shape.Length
            ? (int)Math.Clamp(shape[dimension], 1, 1 << 24)
            : otherwise;

    // How many numbers in a row have a tensor.
    private int Count(string pattern, int otherwise = 0)
    {
        int count = 0;
        while (_shapes.ContainsKey(Name(pattern, count)))
            count++;
        return count > 0 ? count : otherwise;
    }

    private static string Name(string pattern, int number) =>
        string.Format(CultureInfo.InvariantCulture, pattern, number);
}
