using Coser.Metrics.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Losses;

/// <summary>What a picture is judged by while it is learned, and with which weights; 0 leaves a term out.</summary>
public sealed record ImageLossSettings
{
    /// <summary>Mean absolute difference of pixels in [0,1].</summary>
    public double L1 { get; init; } = 1;

    /// <summary>Mean absolute difference of neighbouring pixels' differences, at full and half resolution: edges.</summary>
    public double Gradient { get; init; }

    /// <summary>
    /// Mean absolute difference of local variograms (Matheron 1963): how far pixels differ, in the root mean square of each window of 8
    /// pixels, from those one to three pixels away, at full and half resolution. As much texture as the truth has there, as coarse and
    /// in the same directions, wherever its details lie; a hatching, alike along its lines and again after its period, is none.
    /// </summary>
    public double Texture { get; init; }

    /// <summary>
    /// Which quantile of the truth's texture is aimed at where it cannot be told, in (0,1) (the pinball loss of Koenker and Bassett,
    /// Econometrica 1978): 0.5 takes the median, which is smoother than the truth on average; above it, too little texture costs more than too much.
    /// </summary>
    public double TextureQuantile { get; init; } = 0.5;

    /// <summary>
    /// True: the logarithms of the variograms' roots are compared (with a floor of two grey levels), so that twice the truth's texture
    /// costs the same on a smooth sky as on grass, as the eye has it (Weber). False: grain on smooth surfaces costs little.
    /// </summary>
    public bool TextureRelative { get; init; }

    /// <summary>Distance in the maps of the perceptual network.</summary>
    public double Perceptual { get; init; }

    /// <summary>Model directory with a component <c>perceptual</c>; needed where its weight is not 0.</summary>
    public string? PerceptualModel { get; init; }
}

/// <summary>Weighted sum of picture losses.</summary>
public sealed class ImageLoss : IDisposable
{
    private const long TextureWindow = 8;
    private const double TextureFloor = 1e-5; // the root's slope is infinite at 0; a difference of 0.8 grey levels
    private const double RelativeFloor = 6.2e-5; // two grey levels: less is not seen, and its ratios are not worth learning

    // (down, across); the other halves of the directions are the same differences.
    private static readonly (int Down, int Across)[] TextureLags =
    [
        (0, 1),
        (1, 0),
        (1, 1),
        (1, -1),
        (0, 2),
        (2, 0),
        (2, 2),
        (2, -2),
        (0, 3),
        (3, 0),
        (3, 3),
        (3, -3),
    ];

    private readonly ImageLossSettings _settings;
    private readonly FeatureNetwork? _perceptual;

    /// <param name="device">Where the perceptual network goes, if the settings ask for one.</param>
    /// <param name="type">Its number format.</param>
    /// <exception cref="InvalidDataException">A perceptual loss is asked for without a model, or a quantile is not in (0,1).</exception>
    /// <exception cref="Coser.Checkpoints.CheckpointException">The model cannot be read.</exception>
    public ImageLoss(ImageLossSettings settings, Device device, ScalarType type)
    {
        _settings = settings;
        if (settings.TextureQuantile is not (> 0 and < 1))
            throw new InvalidDataException(
                $"texture_quantile is {settings.TextureQuantile}; it must lie between 0 and 1, neither included."
            );
        if (settings.Perceptual == 0)
            return;
        string model =
            settings.PerceptualModel
            ?? throw new InvalidDataException(
                "a perceptual loss needs perceptual_model: a model with a feature network."
            );
        _perceptual = FeatureNetworkFile.Load(model, "perceptual");
        _perceptual.to(device, type);
        foreach (TorchSharp.Modules.Parameter parameter in _perceptual.parameters())
            parameter.requires_grad_(false);
    }

    /// <summary>The loss and its terms.</summary>
    /// <param name="picture">[B,3,H,W], about [0,1], with gradients.</param>
    /// <param name="truth">The same shape.</param>
    /// <returns>A float32 scalar, and each term before its weight.</returns>
    public (Tensor Total, IReadOnlyList<(string Name, Tensor Value)> Terms) Compute(Tensor picture, Tensor truth)
    {
        using var scope = NewDisposeScope();
        Tensor x = picture.to(float32);
        Tensor y = truth.to(float32);
        var terms = new List<(string Name, double Weight, Tensor Value)>
        {
            ("l1", _settings.L1, nn.functional.l1_loss(x, y)),
        };
        if (_settings.Gradient != 0)
            terms.Add(("gradient", _settings.Gradient, Edges(x, y) + Edges(Halved(x), Halved(y))));
        if (_settings.Texture != 0)
        {
            double quantile = _settings.TextureQuantile;
            bool relative = _settings.TextureRelative;
            Tensor texture = Textures(x, y, quantile, relative) + Textures(Halved(x), Halved(y), quantile, relative);
            terms.Add(("texture", _settings.Texture, texture));
        }
        if (_perceptual is not null)
            terms.Add(("perceptual", _settings.Perceptual, Distance(x, y)));
        Tensor total = terms.Select(t => t.Value * t.Weight).Aggregate((a, b) => a + b);
        return (
            total.MoveToOuterDisposeScope(),
            [.. terms.Select(t => (t.Name, t.Value.detach().MoveToOuterDisposeScope()))]
        );
    }

    /// <inheritdoc/>
    public void Dispose() => _perceptual?.Dispose();

    private Tensor Distance(Tensor x, Tensor y)
    {
        IReadOnlyList<Tensor> wanted;
        using (no_grad())
            wanted = _perceptual!.Maps(y);
        return FeatureDistance.Compute(_perceptual.Maps(x), wanted);
    }

    private static Tensor Edges(Tensor x, Tensor y)
    {
        Tensor difference = x - y;
        Tensor across = difference.diff(dim: 3).abs().mean();
        Tensor down = difference.diff(dim: 2).abs().mean();
        return across + down;
    }

    // The mean absolute difference at a quantile of 0.5.
    private static Tensor Textures(Tensor x, Tensor y, double quantile, bool relative)
    {
        Tensor missing = Strength(y, relative) - Strength(x, relative);
        return 2 * maximum(missing * quantile, missing * (quantile - 1)).mean();
    }

    // Root mean square, over the channels too, of the differences at each lag in overlapping windows, or its logarithm: [B,lags,h,w].
    private static Tensor Strength(Tensor x, bool relative)
    {
        long reach = TextureLags.Max(l => l.Down);
        (long height, long width) = (x.shape[2] - reach, x.shape[3] - 2 * reach);
        Tensor here = x.narrow(2, 0, height).narrow(3, reach, width);
        Tensor energy = cat(
            [
                .. TextureLags.Select(lag =>
                    (x.narrow(2, lag.Down, height).narrow(3, reach + lag.Across, width) - here)
                        .square()
                        .mean([1], keepdim: true)
                ),
            ],
            dim: 1
        );
        Tensor mean = nn.functional.avg_pool2d(energy, TextureWindow, stride: TextureWindow / 2);
        return relative ? (mean + RelativeFloor).log() / 2 : (mean + TextureFloor).sqrt();
    }

    private static Tensor Halved(Tensor x) => nn.functional.avg_pool2d(x, 2);
}
