using System.Text.Json;
using Coser.Checkpoints;
using Coser.Diffusion;
using Coser.Engine;
using Coser.Imaging;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;
using Coser.Restoration;
using Coser.Tests.Fixtures;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

/// <summary>A whole CoSeR model of tiny networks, whose weights follow from a seed, in a model directory.</summary>
internal static class SmallCoser
{
    /// <summary>Side of the training photos, in result pixels: an LR photo of 16.</summary>
    public const int TrainSize = 64;

    public static RestorationConfig Restoration { get; } =
        new()
        {
            TrainSize = TrainSize,
            CanvasSize = 192,
            TileOverlap = 16,
            TileBatch = 4,
            Start = 600,
            Presets = Enum.GetValues<Preset>()
                .ToDictionary(
                    p => p,
                    p => new PresetConfig
                    {
                        Steps = 2 + (int)p,
                        ReferenceSteps = 2,
                        Sampler = SamplerKind.DpmSde,
                        Guidance = 2,
                    }
                ),
        };

    /// <summary>Writes the model.</summary>
    /// <param name="folder">Made if it does not exist.</param>
    /// <param name="spoil">Changes the UNet's weights before they are written.</param>
    public static string Write(string folder, RestorationConfig? restoration = null, Action<nn.Module>? spoil = null)
    {
        Directory.CreateDirectory(folder);
        var clip = new ClipConfig
        {
            EmbedDim = 16,
            Vision = new ClipVisionConfig
            {
                ImageSize = 28,
                PatchSize = 7,
                Layers = 2,
                Width = 16,
                HeadWidth = 8,
            },
            Text = new ClipTextConfig
            {
                ContextLength = 6,
                VocabSize = 40,
                Width = 16,
                Heads = 2,
                Layers = 2,
            },
        };
        var adapter = new CognitiveAdapterConfig
        {
            Queries = 4,
            VisionWidth = 16,
            HiddenSize = 16,
            Heads = 2,
            Layers = 2,
            IntermediateSize = 32,
            TextBranch = false,
        };
        var unet = new UnetConfig
        {
            ModelChannels = 16,
            ChannelMultipliers = [1, 2],
            ResBlocks = 1,
            AttentionResolutions = [1, 2],
            HeadChannels = 8,
            ContextDim = 16,
            NormGroups = 4,
        };
        var control = new ControlConfig
        {
            ModelChannels = 16,
            ChannelMultipliers = [1, 2],
            ResBlocks = 1,
            AttentionResolutions = [2],
            HeadChannels = 8,
            ContextDim = 16,
            NormGroups = 4,
        };
        var autoencoder = new AutoencoderConfig
        {
            Channels = 16, // with the growth: no convolution of channels that are no multiple of 16 (docs/speed.md)
            ChannelMultipliers = [1, 1, 2, 2],
            ResBlocks = 1,
            NormGroups = 2,
            FuseBlocks = 1,
            FuseGrowth = 16,
        };
        var components = new Dictionary<string, ComponentManifest>(StringComparer.Ordinal)
        {
            ["presr"] = Component(
                folder,
                "presr",
                "msrresnet",
                new MsrResNetConfig { Features = 8, Blocks = 1 },
                c => new MsrResNet(c)
            ),
            ["clip"] = Component(folder, "clip", ClipConfig.Kind, clip, c => new ClipModel(c)),
            ["adapter"] = Component(
                folder,
                "adapter",
                CognitiveAdapterConfig.Kind,
                adapter,
                c => new CognitiveAdapter(c)
            ),
            ["unet"] = Component(folder, "unet", UnetConfig.Kind, unet, c => new UnetModel(c), spoil),
            ["control"] = Component(folder, "control", ControlConfig.Kind, control, c => new ControlEncoder(c)),
            ["autoencoder"] = Component(
                folder,
                "autoencoder",
                AutoencoderConfig.Kind,
                autoencoder,
                c => new KlAutoencoder(c)
            ),
        };
        var manifest = new ModelManifest
        {
            Name = "small",
            Components = components,
            Diffusion = new DiffusionConfig { Prediction = PredictionKind.Velocity },
            Restoration = restoration ?? Restoration,
        };
        File.WriteAllText(Path.Combine(folder, "model.json"), JsonSerializer.Serialize(manifest, CoserJson.Strict));
        return folder;
    }

    public static SuperResolver Open(string folder)
    {
        using ModelDirectory model = ModelDirectory.Open(folder);
        return new SuperResolver(model, new Compute(CPU, float32));
    }

    /// <summary>A smooth coloured photo with some noise, 8 bits.</summary>
    public static Photo NewPhoto(int width, int height)
    {
        using var scope = NewDisposeScope();
        Tensor x = linspace(0, 5, width).reshape(1, 1, 1, width);
        Tensor y = linspace(0, 4, height).reshape(1, 1, height, 1);
        Tensor phase = tensor(new[] { 0f, 1, 2 }).reshape(1, 3, 1, 1);
        using var generator = new Generator(3);
        Tensor noise = randn([1, 3, height, width], generator: generator) * 0.05;
        return Photo.FromPixels(0.5 + 0.3 * (x + phase).sin() * (y - phase).cos() + noise);
    }

    private static ComponentManifest Component<TConfig>(
        string folder,
        string role,
        string kind,
        TConfig config,
        Func<TConfig, nn.Module> make,
        Action<nn.Module>? spoil = null
    )
    {
        using nn.Module network = make(config);
        JsonElement recipe = JsonSerializer.SerializeToElement(
            new
            {
                seed = 5,
                gain = 0.8,
                overrides = Array.Empty<string>(),
            }
        );
        HashFill.Fill(network, recipe, role + ".");
        spoil?.Invoke(network);
        string file = role + ".safetensors";
        SafetensorsWriter.Write(Path.Combine(folder, file), network.state_dict());
        return new ComponentManifest
        {
            Kind = kind,
            File = file,
            Config = JsonSerializer.SerializeToElement(config, CoserJson.Strict),
        };
    }
}
