using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using Coser.Checkpoints.Renaming;
using Coser.Metrics.Networks;
using Coser.Networks.Clip;
using static TorchSharp.torch;

namespace Coser.Metrics.Catalogue;

/// <summary>
/// The official weight files of metrics, found in a folder by their usual names. None is downloaded, none is replaced by
/// another: what is not there is absent.
/// </summary>
/// <param name="folder">The user's folder; null: there is none.</param>
/// <param name="device">Where networks go; null: the CPU.</param>
/// <param name="bf16">LPIPS and DISTS, which bear it, compute their maps in bfloat16.</param>
public sealed class MetricWeights(string? folder, Device? device = null, bool bf16 = false)
{
    private static readonly string[] Extensions = [".pth", ".pt", ".bin", ".safetensors", ".ckpt"];

    // Usual names without their extension; * stands for the hash in a name.
    private static readonly string[] AlexHeads = ["alex", "lpips_alex"];
    private static readonly string[] VggHeads = ["vgg", "lpips_vgg"];
    private static readonly string[] AlexWhole = ["LPIPS_v0.1_alex*"];
    private static readonly string[] VggWhole = ["LPIPS_v0.1_vgg*"];
    private static readonly string[] AlexBackbone = ["alexnet-owt-*"];
    private static readonly string[] VggBackbone = ["vgg16-*"];
    private static readonly string[] DistsHeads = ["weights", "dists", "DISTS_weights*"];
    private static readonly string[] Inception = ["pt_inception-2015-12-05*"];
    private static readonly string[] MusiqKoniq = ["musiq_koniq_ckpt*"];
    private static readonly string[] ManiqaPipal = ["MANIQA_PIPAL*", "ckpt_pipal*"];
    private static readonly string[] ManiqaKoniq = ["ckpt_koniq10k*", "MANIQA_koniq*"];
    private static readonly string[] OpenClip = ["open_clip_pytorch_model*", "open_clip_model*"];

    /// <summary>LPIPS: heads and backbone in two files, or both in one.</summary>
    /// <returns>Null: a file is not there.</returns>
    /// <exception cref="CheckpointException">A file is damaged or holds something else.</exception>
    public Lpips? OpenLpips(LpipsBackbone backbone)
    {
        bool alex = backbone == LpipsBackbone.Alex;
        IReadOnlyList<StackedConv[]> stages = alex ? Backbones.Alex : Backbones.Vgg16;
        ViewPart[] parts;
        if (Find(alex ? AlexWhole : VggWhole) is { } whole)
        {
            parts = [new(CheckpointFile.Open(whole), k => IsOf(k, "net.slice", "lin") && !IsOf(k, "lins.") ? k : null)];
        }
        else
        {
            if (Find(alex ? AlexHeads : VggHeads) is not { } heads)
                return null;
            if (Find(alex ? AlexBackbone : VggBackbone) is not { } trunk)
                return null;
            parts =
            [
                new(CheckpointFile.Open(heads), k => IsOf(k, "lins.") ? null : k),
                new(CheckpointFile.Open(trunk), k => Stage(k, stages, "net.slice")),
            ];
        }
        return Fill(new Lpips(backbone, META), parts);
    }

    /// <summary>DISTS: the authors' weights beside torchvision's VGG-16.</summary>
    /// <inheritdoc cref="OpenLpips"/>
    public Dists? OpenDists() =>
        Find(DistsHeads) is { } heads && Find(VggBackbone) is { } trunk
            ? Fill(
                new Dists(META),
                new(CheckpointFile.Open(heads), k => k is "alpha" or "beta" ? k : null),
                new(CheckpointFile.Open(trunk), k => Stage(k, Backbones.Vgg16, "stage"))
            )
            : null;

    /// <summary>FID's Inception.</summary>
    /// <inheritdoc cref="OpenLpips"/>
    public FidInception? OpenInception() =>
        Find(Inception) is { } file
            ? Fill(new FidInception(META), new ViewPart(CheckpointFile.Open(file), k => IsCounter(k) ? null : k))
            : null;

    /// <summary>MUSIQ with KonIQ's weights.</summary>
    /// <inheritdoc cref="OpenLpips"/>
    public Musiq? OpenMusiq() =>
        Find(MusiqKoniq) is { } file
            ? Fill(new Musiq(new MusiqConfig(), META), new ViewPart(CheckpointFile.Open(file), k => k))
            : null;

    /// <summary>MANIQA with PIPAL's weights, or with KonIQ's.</summary>
    /// <inheritdoc cref="OpenLpips"/>
    public Maniqa? OpenManiqa(bool koniq) =>
        Find(koniq ? ManiqaKoniq : ManiqaPipal) is { } file
            ? Fill(
                new Maniqa(new ManiqaConfig { Scale = koniq ? 0.8 : 0.13 }, META),
                // Masks and indices are computed; means and deviations of the input are constants.
                new ViewPart(
                    CheckpointFile.Open(file),
                    k =>
                        k.EndsWith("attn_mask", StringComparison.Ordinal)
                        || k.EndsWith("relative_position_index", StringComparison.Ordinal)
                        || IsOf(k, "default_")
                            ? null
                            : k
                )
            )
            : null;

    /// <summary>open_clip's network, of whatever size its tensors have.</summary>
    /// <inheritdoc cref="OpenLpips"/>
    public ClipModel? OpenClipModel()
    {
        if (Find(OpenClip) is not { } path)
            return null;
        ICheckpoint file = CheckpointFile.Open(path);
        var shapes = file.Entries.ToDictionary(e => e.Key, e => e.Value.Shape, StringComparer.Ordinal);
        (_, var config, _) = InferredConfigs.Of(ComponentNames.Clip, shapes);
        return Fill(
            NetworkKinds.Clip.Build(config),
            new ViewPart(file, k => k.EndsWith("attn_mask", StringComparison.Ordinal) ? null : k)
        );
    }

    /// <summary>What to put into the folder for a metric, in words.</summary>
    internal static string Wanted(string key) =>
        key switch
        {
            "lpips_alex" => "alex.pth (LPIPS v0.1) and alexnet-owt-7be5be79.pth, or LPIPS_v0.1_alex-df73285e.pth",
            "lpips_vgg" => "vgg.pth (LPIPS v0.1) and vgg16-397923af.pth, or LPIPS_v0.1_vgg-a78928a0.pth",
            "dists" => "weights.pt (DISTS) and vgg16-397923af.pth",
            "fid" => "pt_inception-2015-12-05-6726825d.pth",
            "musiq" => "musiq_koniq_ckpt-e95806b9.pth",
            "maniqa_pipal" => "MANIQA_PIPAL-ae6d356b.pth",
            "maniqa_koniq" => "ckpt_koniq10k.pt",
            "clip_score" or "gen_score" => "open_clip_pytorch_model.bin (ViT-H-14), or a model with a CLIP of its own",
            _ => throw new ArgumentOutOfRangeException(nameof(key), key, "it needs no weights"),
        };

    /// <summary>The first file of these names in the folder.</summary>
    private string? Find(string[] names)
    {
        if (folder is null || !Directory.Exists(folder))
            return null;
        return Directory
            .EnumerateFiles(folder)
            .Where(f => Extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)
            .FirstOrDefault(f => names.Any(n => Matches(Path.GetFileNameWithoutExtension(f), n)));
    }

    private static bool Matches(string name, string pattern) =>
        pattern.EndsWith('*')
            ? name.StartsWith(pattern[..^1], StringComparison.OrdinalIgnoreCase)
            : name.Equals(pattern, StringComparison.OrdinalIgnoreCase);

    private TNetwork Fill<TNetwork>(TNetwork network, params ViewPart[] parts)
        where TNetwork : nn.Module
    {
        using var view = new CheckpointView(parts);
        try
        {
            WeightLoader.Attach(
                network,
                view,
                view.Path,
                device,
                bf16 && network is (Lpips or Dists) ? bfloat16 : float32
            );
            network.eval();
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    // "features.7.weight" -> "net.slice2.7.weight"; the classifier's own layers go.
    private static string? Stage(string key, IReadOnlyList<StackedConv[]> stages, string prefix)
    {
        string[] parts = key.Split('.');
        if (parts is not ["features", var number, var last])
            return null;
        for (int i = 0; i < stages.Count; i++)
        {
            if (stages[i].Any(c => $"{c.Index}" == number))
                return $"{prefix}{i + 1}.{number}.{last}";
        }
        return null;
    }

    private static bool IsOf(string key, params string[] starts) =>
        Array.Exists(starts, s => key.StartsWith(s, StringComparison.Ordinal));

    private static bool IsCounter(string key) => key.EndsWith("num_batches_tracked", StringComparison.Ordinal);
}
