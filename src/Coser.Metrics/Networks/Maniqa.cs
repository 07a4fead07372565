using System.Text.Json.Serialization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>Sizes of <see cref="Maniqa"/>; the defaults are the published networks'.</summary>
public sealed record ManiqaConfig
{
    /// <summary>Width of the vision transformer and of the first stage.</summary>
    [JsonPropertyName("embed_dim")]
    public int Width { get; init; } = 768;

    /// <summary>Blocks of the vision transformer, at least 10: the outputs of the seventh to tenth are used.</summary>
    [JsonPropertyName("vit_depth")]
    public int VitBlocks { get; init; } = 12;

    /// <summary>Heads of the vision transformer.</summary>
    [JsonPropertyName("vit_heads")]
    public int VitHeads { get; init; } = 12;

    /// <summary>Classes of the vision transformer's unused head.</summary>
    [JsonPropertyName("vit_classes")]
    public int VitClasses { get; init; } = 1000;

    /// <summary>Side of a patch.</summary>
    [JsonPropertyName("patch_size")]
    public int Patch { get; init; } = 8;

    /// <summary>Side of a crop: what the network takes.</summary>
    [JsonPropertyName("img_size")]
    public int Crop { get; init; } = 224;

    /// <summary>Hidden width of the Swin blocks' MLPs.</summary>
    [JsonPropertyName("dim_mlp")]
    public int MlpWidth { get; init; } = 768;

    /// <summary>Swin blocks of each layer.</summary>
    [JsonPropertyName("depths")]
    public IReadOnlyList<int> Depths { get; init; } = [2, 2];

    /// <summary>Heads of each layer's Swin blocks.</summary>
    [JsonPropertyName("num_heads")]
    public IReadOnlyList<int> Heads { get; init; } = [4, 4];

    /// <summary>Side of an attention window in patches.</summary>
    [JsonPropertyName("window_size")]
    public int Window { get; init; } = 4;

    /// <summary>Transposed attention blocks before each stage.</summary>
    [JsonPropertyName("num_tab")]
    public int TransposedBlocks { get; init; } = 2;

    /// <summary>Weight of a Swin layer beside its input: 0.13 for the PIPAL weights, 0.8 for KonIQ's.</summary>
    [JsonPropertyName("scale")]
    public double Scale { get; init; } = 0.13;

    /// <summary>Crops of a photo.</summary>
    [JsonPropertyName("test_sample")]
    public int Crops { get; init; } = 20;
}

/// <summary>
/// MANIQA (Yang et al., CVPRW 2022): quality without a reference, by a vision transformer, attention over channels, and Swin
/// blocks, with the authors' key names. Higher is better; the scale depends on the weights (PIPAL or KonIQ).
/// </summary>
public sealed class Maniqa : nn.Module
{
    private const int FirstUsed = 6;
    private const int Used = 4;
    private const int CropsAtOnce = 4;

    [ComponentName(Name = "vit")]
    private readonly VisionTransformer _vit;

    [ComponentName(Name = "tablock1")]
    private readonly ModuleList<TransposedAttention> _transposed1;

    [ComponentName(Name = "conv1")]
    private readonly Conv _conv1;

    [ComponentName(Name = "swintransformer1")]
    private readonly SwinStage _swin1;

    [ComponentName(Name = "tablock2")]
    private readonly ModuleList<TransposedAttention> _transposed2;

    [ComponentName(Name = "conv2")]
    private readonly Conv _conv2;

    [ComponentName(Name = "swintransformer2")]
    private readonly SwinStage _swin2;

    [ComponentName(Name = "fc_score")]
    private readonly TwoLayers _score;

    [ComponentName(Name = "fc_weight")]
    private readonly TwoLayers _weight;

    /// <param name="config">Sizes.</param>
    /// <param name="device">META: without values, to be filled from a file.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    public Maniqa(ManiqaConfig config, Device? device = null)
        : base(nameof(Maniqa))
    {
        if (config.VitBlocks < FirstUsed + Used || config.Crop % config.Patch != 0)
            throw new ArgumentException(
                "the transformer has at least 10 blocks, the crop is made of whole patches",
                nameof(config)
            );
        Config = config;
        int side = config.Crop / config.Patch;
        if (side % config.Window != 0 || config.Width % 2 != 0 || config.Depths.Count != config.Heads.Count)
            throw new ArgumentException("windows, width and layers do not fit each other", nameof(config));
        int half = config.Width / 2;
        _vit = new VisionTransformer(config, device);
        _transposed1 = Transposed(config, device);
        _conv1 = new Conv(config.Width * Used, config.Width, 1, device);
        _swin1 = new SwinStage(config, config.Width, device);
        _transposed2 = Transposed(config, device);
        _conv2 = new Conv(config.Width, half, 1, device);
        _swin2 = new SwinStage(config, half, device);
        _score = new TwoLayers(half, device);
        _weight = new TwoLayers(half, device);
        RegisterComponents();
    }

    /// <summary>The sizes.</summary>
    public ManiqaConfig Config { get; }

    /// <summary>
    /// The score of a photo: the weighted mean over all patches of crops on a grid. (The authors' script for one photo takes the
    /// plain mean of crops at random places.)
    /// </summary>
    /// <param name="image">[B,3,H,W] RGB, [0,1] or uint8, any size.</param>
    /// <returns>[B,1], float32.</returns>
    public Tensor Score(Tensor image)
    {
        ImageInput.Require(image, 1, "MANIQA");
        using var scope = NewDisposeScope();
        // [B*crops,3,S,S], a few at a time -> [B*crops,N,1]
        (Tensor Scores, Tensor Weights)[] parts = [.. Crops(image).split(CropsAtOnce).Select(c => Judge(Features(c)))];
        Tensor scores = cat([.. parts.Select(p => p.Scores)]).view(image.shape[0], -1);
        Tensor weights = cat([.. parts.Select(p => p.Weights)]).view(image.shape[0], -1);
        return ((scores * weights).sum(1, keepdim: true) / weights.sum(1, keepdim: true)).MoveToOuterDisposeScope();
    }

    /// <summary>All crops, normalised to [-1,1]: [B*crops,3,S,S], the crops of one photo together.</summary>
    internal Tensor Crops(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor x = (ImageInput.Unit(image) - 0.5) / 0.5;
        int side = Config.Crop;
        (long h, long w) = (x.shape[2], x.shape[3]);
        if (Math.Min(h, w) <= side)
        {
            // Too small to choose a place: the shorter side grows to one pixel more than a crop.
            double factor = (side + 1.0) / Math.Min(h, w);
            x = nn.functional.interpolate(
                x,
                size: [(long)Math.Floor(h * factor + 1e-9), (long)Math.Floor(w * factor + 1e-9)],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            );
            (h, w) = (x.shape[2], x.shape[3]);
        }
        int line = (int)Math.Ceiling(Math.Sqrt(Config.Crops));
        var crops = new List<Tensor>();
        for (int row = 0; row < line; row++)
        {
            for (int column = 0; column < line && crops.Count < Config.Crops; column++)
                crops.Add(x.narrow(2, Place(row, line, h - side), side).narrow(3, Place(column, line, w - side), side));
        }
        return stack([.. crops], dim: 1).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Tokens of four blocks side by side, without the class token: [B,N,4*width].</summary>
    internal Tensor Features(Tensor crops) => _vit.Blocks(crops, FirstUsed, Used);

    // Scores and their weights, [B,N,1] each.
    private (Tensor Scores, Tensor Weights) Judge(Tensor features)
    {
        using var scope = NewDisposeScope();
        long side = Config.Crop / Config.Patch;
        Tensor x = Stage(features.transpose(1, 2), _transposed1, _conv1, _swin1, side);
        x = Stage(x.flatten(2), _transposed2, _conv2, _swin2, side);
        Tensor tokens = x.flatten(2).transpose(1, 2); // [B,N,width/2]
        Tensor scores = nn.functional.relu(_score.Run(tokens)).to(float32);
        Tensor weights = sigmoid(_weight.Run(tokens)).to(float32);
        return (scores.MoveToOuterDisposeScope(), weights.MoveToOuterDisposeScope());
    }

    // [B,C,N] -> [B,C',side,side]
    private static Tensor Stage(
        Tensor x,
        ModuleList<TransposedAttention> transposed,
        Conv conv,
        SwinStage swin,
        long side
    )
    {
        x = transposed.Aggregate(x, (y, block) => block.call(y));
        return swin.call(conv.call(x.reshape(x.shape[0], x.shape[1], side, side)));
    }

    private static long Place(int index, int line, long room) =>
        line == 1 ? 0 : (long)Math.Floor(index * (room / (double)(line - 1)) + 1e-9);

    private static ModuleList<TransposedAttention> Transposed(ManiqaConfig config, Device? device)
    {
        int side = config.Crop / config.Patch;
        return new ModuleList<TransposedAttention>([
            .. Enumerable.Range(0, config.TransposedBlocks).Select(_ => new TransposedAttention(side * side, device)),
        ]);
    }
}

/// <summary>Two linear layers at places 0 and 3 of a sequence, a ReLU between them.</summary>
internal sealed class TwoLayers : nn.Module
{
    private readonly Dense[] _layers;

    public TwoLayers(int width, Device? device)
        : base(nameof(TwoLayers))
    {
        _layers = [new Dense(width, width, device), new Dense(width, 1, device)];
        register_module("0", _layers[0]);
        register_module("3", _layers[1]);
    }

    public Tensor Run(Tensor x)
    {
        using var scope = NewDisposeScope();
        return _layers[1].call(nn.functional.relu(_layers[0].call(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention among channels, each a vector over places (equation 2).</summary>
internal sealed class TransposedAttention : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "c_q")]
    private readonly Dense _query;

    [ComponentName(Name = "c_k")]
    private readonly Dense _key;

    [ComponentName(Name = "c_v")]
    private readonly Dense _value;

    public TransposedAttention(int places, Device? device)
        : base(nameof(TransposedAttention))
    {
        _query = new Dense(places, places, device);
        _key = new Dense(places, places, device);
        _value = new Dense(places, places, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,N].</param>
    /// <returns>[B,C,N].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor mixed = MultiHead.Attend(_query.call(input), _key.call(input), _value.call(input), 1);
        // As published: the result is read as its transpose.
        return (mixed.transpose(1, 2).reshape(input.shape) + input).MoveToOuterDisposeScope();
    }
}
