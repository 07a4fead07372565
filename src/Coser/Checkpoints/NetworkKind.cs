using System.Text.Json;
using Coser.Networks.Autoencoder;
using Coser.Networks.Baselines;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;
using static TorchSharp.torch;

namespace Coser.Checkpoints;

/// <summary>A class of networks, as <c>model.json</c> names it.</summary>
public abstract class NetworkKind
{
    private protected NetworkKind(string name) => Name = name;

    /// <summary>The component's <c>kind</c>.</summary>
    public string Name { get; }

    /// <summary>Builds a network of this kind on the META device: names and shapes, no values.</summary>
    /// <exception cref="JsonException">The configuration has unknown members or wrong types.</exception>
    /// <exception cref="ArgumentException">The configuration cannot be built.</exception>
    public nn.Module Build(JsonElement config) => BuildModule(config);

    /// <summary>A kind whose configuration is a record.</summary>
    /// <param name="make">Builds the network on a device.</param>
    public static NetworkKind<TNetwork> Of<TNetwork, TConfig>(string name, Func<TConfig, Device, TNetwork> make)
        where TNetwork : nn.Module
        where TConfig : class =>
        new(
            name,
            config =>
                make(
                    config.Deserialize<TConfig>(CoserJson.Strict) ?? throw new JsonException("its config is null"),
                    META
                )
        );

    private protected abstract nn.Module BuildModule(JsonElement config);
}

/// <summary>A class of networks of a known type.</summary>
public sealed class NetworkKind<TNetwork> : NetworkKind
    where TNetwork : nn.Module
{
    private readonly Func<JsonElement, TNetwork> _build;

    internal NetworkKind(string name, Func<JsonElement, TNetwork> build)
        : base(name) => _build = build;

    /// <inheritdoc cref="NetworkKind.Build"/>
    public new TNetwork Build(JsonElement config) => _build(config);

    private protected override nn.Module BuildModule(JsonElement config) => _build(config);
}

/// <summary>The networks of the restoration.</summary>
public static class NetworkKinds
{
    /// <summary>Pre-SR.</summary>
    public static NetworkKind<MsrResNet> MsrResNet { get; } =
        NetworkKind.Of(MsrResNetConfig.Kind, (MsrResNetConfig config, Device device) => new MsrResNet(config, device));

    /// <summary>ESRGAN's generator: RealSR, BSRGAN, Real-ESRGAN+.</summary>
    public static NetworkKind<RrdbNet> RrdbNet { get; } =
        NetworkKind.Of(RrdbNetConfig.Kind, (RrdbNetConfig config, Device device) => new RrdbNet(config, device));

    /// <summary>Real-ESRGAN's compact network.</summary>
    public static NetworkKind<SrVggNet> SrVggNet { get; } =
        NetworkKind.Of(SrVggNetConfig.Kind, (SrVggNetConfig config, Device device) => new SrVggNet(config, device));

    /// <summary>CLIP, both towers.</summary>
    public static NetworkKind<ClipModel> Clip { get; } =
        NetworkKind.Of(ClipConfig.Kind, (ClipConfig config, Device device) => new ClipModel(config, device));

    /// <summary>Cognitive adapter.</summary>
    public static NetworkKind<CognitiveAdapter> Adapter { get; } =
        NetworkKind.Of(
            CognitiveAdapterConfig.Kind,
            (CognitiveAdapterConfig config, Device device) => new CognitiveAdapter(config, device)
        );

    /// <summary>Denoising UNet.</summary>
    public static NetworkKind<UnetModel> Unet { get; } =
        NetworkKind.Of(UnetConfig.Kind, (UnetConfig config, Device device) => new UnetModel(config, device));

    /// <summary>Control encoder.</summary>
    public static NetworkKind<ControlEncoder> Control { get; } =
        NetworkKind.Of(ControlConfig.Kind, (ControlConfig config, Device device) => new ControlEncoder(config, device));

    /// <summary>Autoencoder, with or without feature fusions.</summary>
    public static NetworkKind<KlAutoencoder> Autoencoder { get; } =
        NetworkKind.Of(
            AutoencoderConfig.Kind,
            (AutoencoderConfig config, Device device) => new KlAutoencoder(config, device)
        );

    /// <summary>All of them.</summary>
    public static IReadOnlyList<NetworkKind> All { get; } =
    [MsrResNet, RrdbNet, SrVggNet, Clip, Adapter, Unet, Control, Autoencoder];
}
