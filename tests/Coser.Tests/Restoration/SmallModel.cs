using System.Text.Json;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;
using Coser.Networks.PreSr;
using Coser.Restoration;
using Coser.Tests.Fixtures;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

/// <summary>A photo of noise and model directories of small networks whose weights follow from a seed.</summary>
internal sealed class SmallModel : IDisposable
{
    private static readonly Compute Fp32 = Compute.Choose(DeviceChoice.Cpu, Precision.Fp32);

    public SmallModel()
    {
        Photo = Folder.File("photo.png");
        using Image noise = Image.Gaussnoise(50, 37, sigma: 60, mean: 128, seed: 5);
        using Image smooth = noise.Gaussblur(0.8);
        // 16 bits, so that what is compared is not rounded away.
        using Image rgb = (smooth.Bandjoin(noise, smooth) * 257).Cast(Enums.BandFormat.Ushort);
        rgb.Copy(interpretation: Enums.Interpretation.Rgb16).Pngsave(Photo);
    }

    public TemporaryFolder Folder { get; } = new();

    /// <summary>A PNG of 50 x 37 pixels.</summary>
    public string Photo { get; }

    public void Dispose() => Folder.Dispose();

    public static SuperResolver Open(string folder, Compute? compute = null)
    {
        using ModelDirectory model = ModelDirectory.Open(folder);
        return new SuperResolver(model, compute ?? Fp32);
    }

    public Tensor Restore(SuperResolver resolver, RestoreOptions options)
    {
        using Photo photo = Coser.Imaging.Photo.Open(Photo);
        using RestoredPhoto restored = resolver.Restore(photo, options);
        return restored.Photo.Read(new PixelArea(0, 0, restored.Photo.Width, restored.Photo.Height));
    }

    /// <summary>Folder of a new model.</summary>
    /// <param name="spoil">Changes the weights before they are written.</param>
    public string Model(ulong seed = 1, Action<Dictionary<string, Tensor>>? spoil = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var config = new MsrResNetConfig { Features = 8, Blocks = 2 };
        using var network = new MsrResNet(config);
        Dictionary<string, Tensor> weights = network
            .state_dict()
            .ToDictionary(
                w => w.Key,
                w => tensor(HashFill.Values(w.Key, w.Value.shape, seed, 0.7)).view(w.Value.shape)
            );
        spoil?.Invoke(weights);
        string folder = Directory.CreateDirectory(Folder.File("model-" + Guid.NewGuid().ToString("n"))).FullName;
        SafetensorsWriter.Write(Path.Combine(folder, "presr.safetensors"), weights);
        var component = new ComponentManifest
        {
            Kind = "msrresnet",
            File = "presr.safetensors",
            Config = JsonSerializer.SerializeToElement(config, CoserJson.Strict),
        };
        ModelManifestEditor.SetComponent(
            folder,
            ModelDirectory.PreSrRole,
            component,
            JsonSerializer.SerializeToElement("a test")
        );
        return folder;
    }
}
