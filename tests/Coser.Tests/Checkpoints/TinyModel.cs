using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;
using Coser.Tests.Fixtures;
using static TorchSharp.torch;

namespace Coser.Tests.Checkpoints;

/// <summary>All networks of a model, built like the full-size ones but tiny, and files of theirs in the published layouts.</summary>
internal sealed class TinyModel : IDisposable
{
    private static readonly Dictionary<string, string> Prefixes = new(StringComparer.Ordinal)
    {
        [ComponentNames.PreSr] = "pre_sr_model.",
        [ComponentNames.Clip] = "cond_stage_model.model.",
        [ComponentNames.Adapter] = "global_adapter.",
        [ComponentNames.Unet] = "model.diffusion_model.",
        [ComponentNames.Control] = "structcond_stage_model.",
        [ComponentNames.Autoencoder] = "first_stage_model.",
    };

    public TinyModel(ulong seed = 1)
    {
        var autoencoder = new AutoencoderConfig
        {
            Channels = 32,
            ChannelMultipliers = [1, 2, 2],
            ResBlocks = 1,
        };
        PreSr = new MsrResNet(new MsrResNetConfig { Features = 8, Blocks = 2 });
        Clip = new ClipModel(
            new ClipConfig
            {
                EmbedDim = 64,
                Vision = new ClipVisionConfig
                {
                    ImageSize = 14,
                    PatchSize = 7,
                    Layers = 1,
                    Width = 80,
                },
                Text = new ClipTextConfig
                {
                    ContextLength = 8,
                    VocabSize = 50,
                    Width = 64,
                    Heads = 1,
                    Layers = 2,
                },
            }
        );
        Adapter = new CognitiveAdapter(
            new CognitiveAdapterConfig
            {
                Queries = 3,
                VisionWidth = 64,
                HiddenSize = 64,
                Layers = 3,
                IntermediateSize = 32,
                VocabSize = 20,
                MaxPositions = 8,
            }
        );
        Unet = new UnetModel(
            new UnetConfig
            {
                ModelChannels = 64,
                ChannelMultipliers = [1, 2],
                ResBlocks = 1,
                AttentionResolutions = [2, 1],
                ContextDim = 64,
            }
        );
        Control = new ControlEncoder(
            new ControlConfig
            {
                ModelChannels = 64,
                ChannelMultipliers = [1, 2],
                ResBlocks = 1,
                AttentionResolutions = [2],
                ContextDim = 64,
            }
        );
        Autoencoder = new KlAutoencoder(autoencoder);
        Cfw = new KlAutoencoder(autoencoder with { FuseBlocks = 2, FuseGrowth = 4 });
        foreach ((string component, nn.Module network) in Networks)
        {
            network.eval();
            Fill(network, component, seed);
        }
    }

    public MsrResNet PreSr { get; }

    public ClipModel Clip { get; }

    public CognitiveAdapter Adapter { get; }

    public UnetModel Unet { get; }

    public ControlEncoder Control { get; }

    public KlAutoencoder Autoencoder { get; }

    public KlAutoencoder Cfw { get; }

    /// <summary>The networks by component.</summary>
    public IReadOnlyDictionary<string, nn.Module> Networks =>
        new Dictionary<string, nn.Module>(StringComparer.Ordinal)
        {
            [ComponentNames.PreSr] = PreSr,
            [ComponentNames.Clip] = Clip,
            [ComponentNames.Adapter] = Adapter,
            [ComponentNames.Unet] = Unet,
            [ComponentNames.Control] = Control,
            [ComponentNames.Autoencoder] = Autoencoder,
            [ComponentNames.Cfw] = Cfw,
        };

    /// <summary>Tensors of some components under the keys of CoSeR's checkpoint.</summary>
    public Dictionary<string, Tensor> Coser(params string[] components) =>
        components
            .SelectMany(c => Networks[c].state_dict().Select(t => KeyValuePair.Create(Prefixes[c] + t.Key, t.Value)))
            .ToDictionary(StringComparer.Ordinal);

    /// <summary>The whole checkpoint.</summary>
    public Dictionary<string, Tensor> Coser() => Coser([.. Prefixes.Keys]);

    /// <summary>Stable Diffusion's checkpoint: no image tower, no All-in-Attention.</summary>
    public Dictionary<string, Tensor> StableDiffusion() =>
        Coser(ComponentNames.Clip, ComponentNames.Unet, ComponentNames.Autoencoder)
            .Where(t =>
                !t.Key.Contains(".visual.", StringComparison.Ordinal)
                && !t.Key.Contains("_lna", StringComparison.Ordinal)
            )
            .ToDictionary(StringComparer.Ordinal);

    /// <summary>Writes a safetensors file and gives its path.</summary>
    public static string Write(string path, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        SafetensorsWriter.Write(path, tensors);
        return path;
    }

    /// <summary>What a network gives for a fixed input: everything that depends on its weights.</summary>
    public static Tensor Output(nn.Module network)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // Cloned: a managed array lies anywhere, and products round by where their factors lie.
        Tensor Input(params long[] shape) => tensor(HashFill.Values("input", shape, 3, 1)).reshape(shape).clone();
        Tensor result = network switch
        {
            MsrResNet n => n.call(Input(1, 3, 5, 6)),
            ClipModel n => cat([
                n.ImageTokens(Input(1, 3, 14, 14)).flatten(),
                n.EmbedText(
                        tensor(
                            new long[,]
                            {
                                { 1, 5, 49 },
                            }
                        )
                    )
                    .flatten(),
                n.LogitScale.reshape(1),
            ]),
            CognitiveAdapter n => n.call(Input(1, 5, 64)),
            ControlEncoder n => cat([.. Encode(n).Maps.Select(m => m.flatten())]),
            UnetModel n => Predict(n),
            KlAutoencoder { Fuses: true } n => n.Decode(
                Input(1, 4, 2, 3),
                n.EncodeFeatures(Input(1, 3, 8, 12)),
                weight: 0.7
            ),
            KlAutoencoder n => cat([
                n.EncodeMoments(Input(1, 3, 8, 12)).flatten(),
                n.Decode(Input(1, 4, 2, 3)).flatten(),
            ]),
            _ => throw new NotSupportedException(network.GetName()),
        };
        return result.MoveToOuterDisposeScope();

        Tensor Times() => tensor(new[] { 500L });
        ControlFeatures Encode(ControlEncoder n) =>
            n.Encode(Input(1, 4, 4, 6), Input(1, 4, 4, 6), Times(), Input(1, 3, 64));
        Tensor Predict(UnetModel n)
        {
            // Maps as the control makes them: one a block of the way down, then the middle's.
            var maps = new ControlFeatures([
                Input(1, 64, 4, 6),
                Input(1, 64, 4, 6),
                Input(1, 64, 2, 3),
                Input(1, 128, 2, 3),
                Input(1, 128, 2, 3),
            ]);
            using ControlMemory memory = n.Remember(maps, maps);
            return n.Predict(Input(1, 4, 4, 6), Times(), Input(1, 3, 64), memory);
        }
    }

    public void Dispose()
    {
        foreach (nn.Module network in Networks.Values)
            network.Dispose();
    }

    private static void Fill(nn.Module network, string component, ulong seed)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach ((string name, Tensor target) in network.state_dict())
        {
            if (target.is_floating_point())
                target.copy_(tensor(HashFill.Values(component + name, target.shape, seed, 0.7)).reshape(target.shape));
        }
    }
}
