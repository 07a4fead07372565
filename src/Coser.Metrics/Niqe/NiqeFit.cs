using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Niqe;

/// <summary>Fits a <see cref="NiqePrior"/> to photos: the Gaussian over the features of their sharp blocks (section II.C).</summary>
public sealed class NiqeFit(int block = NiqePrior.UsualBlock)
{
    // A block counts if it is sharper than this share of its photo's sharpest.
    private const double Threshold = 0.75;

    private readonly List<double[]> _features = [];

    /// <summary>Blocks taken so far.</summary>
    public int Blocks => _features.Count;

    /// <summary>Photos looked at so far.</summary>
    public int Photos { get; private set; }

    /// <summary>Adds a photo's sharp blocks; a photo smaller than a block adds none.</summary>
    /// <param name="image">[1,3,H,W] RGB: floating point in [0,1], or uint8.</param>
    public void Add(Tensor image)
    {
        ImageInput.Require(image, 1, "NIQE");
        if (Math.Min(image.shape[2], image.shape[3]) < block)
            return;
        Photos++;
        (double[][] features, double[] sharpness) = NiqeFeatures.Of(
            NaturalnessIndex.Plane(image, 0, 0),
            block,
            NiqePrior.UsualWindow
        );
        double enough = sharpness.Max() * Threshold;
        _features.AddRange(features.Where((f, i) => sharpness[i] > enough && !f.Any(double.IsNaN)));
    }

    /// <summary>The prior of all photos added.</summary>
    /// <exception cref="InvalidOperationException">Fewer blocks than features: the covariance would be singular.</exception>
    public NiqePrior Make(string name)
    {
        if (Blocks <= NiqeFeatures.Count)
            throw new InvalidOperationException(
                $"{Blocks} sharp blocks in {Photos} photos are too few: more than {NiqeFeatures.Count} are needed"
            );
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor rows = NaturalnessIndex.Matrix([.. _features]);
        Tensor mean = rows.mean([0]);
        Tensor centred = rows - mean;
        Tensor covariance = matmul(centred.t(), centred) / (Blocks - 1);
        return NiqePrior.Of(name, [.. mean.data<double>()], [.. covariance.contiguous().data<double>()], null, block);
    }
}
