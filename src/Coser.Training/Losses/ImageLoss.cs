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
    /// Mean absolute difference of how strong the gradients are in each window of 8 pixels, at full and half resolution: as much
    /// texture as the truth has there, wherever its details lie (after Abrahamyan et al., ICASSP 2022, whose gradient maps'
    /// variances are compared by their squares).
    /// </summary>
    public double Texture { get; init; }

    /// <summary>Distance in the maps of the perceptual network.</summary>
    public double Perceptual { get; init; }

    /// <summary>Model directory with a component <c>perceptual</c>; needed where its weight is not 0.</summary>
    public string? PerceptualModel { get; init; }
}

/// <summary>Weighted sum of picture losses.</summary>
public sealed class ImageLoss : IDisposable
{
    private const long TextureWindow = 8;
    private const double TextureFloor = 1e-5; // the root's slope is infinite at 0; a gradient of 0.8 grey levels
    private readonly ImageLossSettings _settings;
    private readonly FeatureNetwork? _perceptual;

    /// <param name="device">Where the perceptual network goes, if the settings ask for one.</param>
    /// <param name="type">Its number format.</param>
    /// <exception cref="InvalidDataException">A perceptual loss is asked for without a model.</exception>
    /// <exception cref="Coser.Checkpoints.CheckpointException">The model cannot be read.</exception>
    public ImageLoss(ImageLossSettings settings, Device device, ScalarType type)
    {
        _settings = settings;
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
            terms.Add(("texture", _settings.Texture, Textures(x, y) + Textures(Halved(x), Halved(y))));
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

    private static Tensor Textures(Tensor x, Tensor y) => nn.functional.l1_loss(Strength(x), Strength(y));

    // Root mean square of the gradients, over the channels too, in overlapping windows: [B,1,h,w].
    private static Tensor Strength(Tensor x)
    {
        Tensor across = x.diff(dim: 3).narrow(2, 0, x.shape[2] - 1);
        Tensor down = x.diff(dim: 2).narrow(3, 0, x.shape[3] - 1);
        Tensor energy = (across.square() + down.square()).mean([1], keepdim: true);
        return (nn.functional.avg_pool2d(energy, TextureWindow, stride: TextureWindow / 2) + TextureFloor).sqrt();
    }

    private static Tensor Halved(Tensor x) => nn.functional.avg_pool2d(x, 2);
}
