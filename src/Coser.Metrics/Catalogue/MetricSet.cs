using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Metrics.Features;
using Coser.Metrics.Networks;
using Coser.Metrics.Niqe;
using Coser.Metrics.Text;
using Coser.Networks.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Catalogue;

/// <summary>
/// All metrics that can be computed here, and those that cannot. Those without weights are always there.
/// </summary>
public sealed class MetricSet : IDisposable
{
    private readonly List<IDisposable> _networks = [];
    private readonly List<ImageMetric> _images = [];
    private readonly List<SetMetric> _sets = [];
    private readonly List<AbsentMetric> _absent = [];
    private readonly Device _device;

    private MetricSet(Device? device) => _device = device ?? CPU;

    // In the order of tables.
    private static readonly (string Key, string Title)[] _all =
    [
        ("psnr_rgb", "PSNR RGB"),
        ("psnr_y", "PSNR Y"),
        ("ssim_y", "SSIM Y"),
        ("ms_ssim_y", "MS-SSIM Y"),
        ("haarpsi", "HaarPSI"),
        ("gmsd", "GMSD"),
        ("sharpness", "sharpness"),
        ("colour_shift", "colour shift"),
        ("niqe", "NIQE"),
        ("niqe_set", "NIQE of the set"),
        ("lpips_alex", "LPIPS Alex"),
        ("lpips_vgg", "LPIPS VGG"),
        ("dists", "DISTS"),
        ("musiq", "MUSIQ"),
        ("maniqa_pipal", "MANIQA PIPAL"),
        ("maniqa_koniq", "MANIQA KonIQ"),
        ("clip_score", "CLIP-Score"),
        ("gen_score", "Gen-score"),
        ("fid", "FID"),
        ("distance", "feature distance"),
        ("frechet", "feature Frechet"),
        (TextMetric.Key, TextMetric.Title),
    ];

    /// <summary>Keys of all metrics there are, whether or not they can be computed here.</summary>
    public static IReadOnlyList<string> Keys { get; } = [.. _all.Select(m => m.Key)];

    /// <summary>What tables call a metric, whether or not it can be computed here.</summary>
    /// <exception cref="ArgumentException">There is no such metric.</exception>
    public static string TitleOf(string key) =>
        Array.Find(_all, m => m.Key == key).Title
        ?? throw new ArgumentException($"there is no metric '{key}'", nameof(key));

    /// <summary>Figures of single images, in the order of tables.</summary>
    public IReadOnlyList<ImageMetric> Images => _images;

    /// <summary>Figures of whole sets.</summary>
    public IReadOnlyList<SetMetric> Sets => _sets;

    /// <summary>What is not there.</summary>
    public IReadOnlyList<AbsentMetric> Absent => _absent;

    /// <summary>Finds and loads.</summary>
    /// <exception cref="CheckpointException">A file that is there is damaged, or a named model or prior is not there.</exception>
    public static MetricSet Open(MetricSetOptions? options = null)
    {
        options ??= new();
        var set = new MetricSet(options.Device);
        try
        {
            set.AddWeightFree(options);
            set.AddOfficial(
                new MetricWeights(options.Weights, options.Device, options.Bf16),
                options.Bf16 ? ", maps in bf16" : ""
            );
            set.AddClip(options);
            set.AddFeatures(options);
            set.AddText(options);
            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable network in _networks)
            network.Dispose();
    }

    private void AddWeightFree(MetricSetOptions options)
    {
        int border = options.Border;
        string edge = $"border {border}";
        var rgb = new PixelMetricOptions { Border = border };
        var luma = rgb with { Colour = MetricColour.Y, RoundY = true };
        const string Formula = "10 log10(1/(mse+1e-8))";
        Add("psnr_rgb", Better.Higher, "0.00", $"{Formula}, {edge}", (s, h) => Psnr.Compute(s, h, rgb));
        Add(
            "psnr_y",
            Better.Higher,
            "0.00",
            $"{Formula}, Y of BT.601 in studio range, {edge}",
            (s, h) => Psnr.Compute(s, h, luma with { RoundY = false })
        );
        Add(
            "ssim_y",
            Better.Higher,
            "0.0000",
            $"rounded Y, 11x11 Gaussian 1.5, valid windows, float64, {edge}",
            (s, h) => Ssim.Compute(s, h, luma)
        );
        Add(
            "ms_ssim_y",
            Better.Higher,
            "0.0000",
            $"rounded Y, five scales, {edge}",
            (s, h) => MsSsim.Compute(s, h, luma)
        );
        Add("haarpsi", Better.Higher, "0.0000", "colour, subsampled by 2", (s, h) => HaarPsi.Compute(s, h));
        Add("gmsd", Better.Lower, "0.0000", "luma, subsampled by 2, T = 170", (s, h) => Gmsd.Compute(s, h));
        Add(
            "sharpness",
            Better.One,
            "0.000",
            "ratio of gradient energies to the truth's",
            (s, h) => Sharpness.Compute(s, h)
        );
        Add(
            "colour_shift",
            Better.Lower,
            "0.00",
            "Delta E*ab (1976) of 16x16 cells",
            (s, h) => ColourShift.Compute(s, h)
        );
        NiqePrior prior = options.NiqePrior is { } file ? NiqePrior.Load(file) : NiqePrior.Own;
        Add(
            "niqe",
            Better.Lower,
            "0.00",
            $"blocks of {prior.Block}, prior '{prior.Name}', {edge}",
            (s, _) => NaturalnessIndex.PerImage(s, prior, border)[0],
            needsTruth: false
        );
        _sets.Add(
            new SetMetric(
                new MetricInfo(
                    "niqe_set",
                    TitleOf("niqe_set"),
                    Better.Lower,
                    "0.00",
                    $"one Gaussian over all images' blocks of {prior.Block}, prior '{prior.Name}', {edge}"
                ),
                image => NaturalnessIndex.Blocks(image, prior, border),
                $"niqe {prior.Name} {prior.Block} {border}"
            )
            {
                Judge = blocks => NaturalnessIndex.OfSet(blocks, prior),
            }
        );
    }

    private void AddOfficial(MetricWeights weights, string precision)
    {
        foreach (LpipsBackbone backbone in Enum.GetValues<LpipsBackbone>())
        {
            string key = backbone == LpipsBackbone.Alex ? "lpips_alex" : "lpips_vgg";
            Add(
                Keep(weights.OpenLpips(backbone)),
                n => Score(key, Better.Lower, "0.0000", $"v0.1{precision}", n.Distance),
                key
            );
        }
        Add(
            Keep(weights.OpenDists()),
            n => Score("dists", Better.Lower, "0.0000", $"no resize{precision}", n.Distance),
            "dists"
        );
        Add(
            Keep(weights.OpenMusiq()),
            n => Score("musiq", Better.Higher, "0.00", "KonIQ weights", (s, _) => n.Score(s), false),
            "musiq"
        );
        foreach (bool koniq in new[] { false, true })
        {
            string key = koniq ? "maniqa_koniq" : "maniqa_pipal";
            Add(
                Keep(weights.OpenManiqa(koniq)),
                n => Score(key, Better.Higher, "0.0000", "20 crops on a grid", (s, _) => n.Score(s), false),
                key
            );
        }
        if (Keep(weights.OpenInception()) is { } inception)
            _sets.Add(
                new SetMetric(
                    new MetricInfo("fid", TitleOf("fid"), Better.Lower, "0.00", "clean resize, unbiased covariance"),
                    image => inception.Embed(FidPreprocessing.Clean(image.to(_device))),
                    "pt_inception-2015-12-05, clean"
                )
            );
        else
            _absent.Add(new AbsentMetric(TitleOf("fid"), MetricWeights.Wanted("fid")));
    }

    private void AddClip(MetricSetOptions options)
    {
        ClipModel? clip;
        if (options.Clip is { } model)
        {
            using ModelDirectory directory = ModelDirectory.Open(ModelDirectory.Find(model));
            clip = Keep(directory.Load(ComponentNames.Clip, NetworkKinds.Clip, options.Device, float32));
        }
        else
        {
            clip = Keep(new MetricWeights(options.Weights, options.Device).OpenClipModel());
        }
        string source = options.Clip is null ? "open_clip" : options.Clip;
        foreach (bool painted in new[] { false, true })
        {
            string key = painted ? "gen_score" : "clip_score";
            Add(
                clip,
                n =>
                    Score(
                        key,
                        Better.Higher,
                        "0.0000",
                        $"cosine of image embeddings{(painted ? " of painted reference and truth" : "")}, {source} "
                            + $"{n.Config.Vision.ImageSize} px",
                        (s, h) =>
                            ClipSimilarity.Cosine(
                                n.EmbedImage(ClipPreprocessing.CentreCrop(s, n.Config)),
                                n.EmbedImage(ClipPreprocessing.CentreCrop(h, n.Config))
                            )
                    ) with
                    {
                        JudgesReference = painted,
                    },
                key
            );
        }
    }

    private void AddFeatures(MetricSetOptions options)
    {
        if (options.Features is not { } model)
        {
            _absent.Add(
                new AbsentMetric(TitleOf("distance"), "a model with a feature network in the role 'evaluation'")
            );
            return;
        }
        FeatureNetwork network = Keep(FeatureNetworkFile.Load(model, "evaluation"))!;
        network.to(_device);
        using ModelDirectory directory = ModelDirectory.Open(ModelDirectory.Find(model));
        string name = $"{directory.Manifest.Name} {directory.Hash[..12]}";
        _images.Add(
            Score(
                "distance",
                Better.Lower,
                "0.0000",
                $"network {name}",
                (s, h) => FeatureDistance.Compute(network.Maps(s), network.Maps(h))
            )
        );
        _sets.Add(
            new SetMetric(
                new MetricInfo("frechet", TitleOf("frechet"), Better.Lower, "0.000", $"network {name}; not an FID"),
                image => network.Embed(image.to(_device)),
                name
            )
        );
    }

    private void AddText(MetricSetOptions options)
    {
        if (options.Tesseract is not { } program)
            return;
        if (TesseractReader.Find(program, options.TextLanguage, out string wanted) is { } reader)
            _images.Add(TextMetric.Create(reader));
        else
            _absent.Add(new AbsentMetric(TextMetric.Title, wanted));
    }

    private ImageMetric Score(
        string key,
        Better better,
        string format,
        string convention,
        Func<Tensor, Tensor, Tensor> measure,
        bool needsTruth = true
    ) =>
        new(
            new MetricInfo(key, TitleOf(key), better, format, convention),
            needsTruth,
            (restored, truth) =>
            {
                using var scope = NewDisposeScope();
                using var inference = inference_mode();
                return new Measurement(ImageInput.Numbers(measure(restored.to(_device), truth.to(_device)))[0]);
            }
        );

    private void Add(
        string key,
        Better better,
        string format,
        string convention,
        Func<Tensor, Tensor, double> measure,
        bool needsTruth = true
    ) =>
        _images.Add(
            new ImageMetric(
                new MetricInfo(key, TitleOf(key), better, format, convention),
                needsTruth,
                (restored, truth) => new Measurement(measure(restored, truth))
            )
        );

    private void Add<TNetwork>(TNetwork? network, Func<TNetwork, ImageMetric> make, string key)
        where TNetwork : class
    {
        if (network is null)
            _absent.Add(new AbsentMetric(TitleOf(key), MetricWeights.Wanted(key)));
        else
            _images.Add(make(network));
    }

    private TNetwork? Keep<TNetwork>(TNetwork? network)
        where TNetwork : class, IDisposable
    {
        if (network is not null)
            _networks.Add(network);
        return network;
    }
}
