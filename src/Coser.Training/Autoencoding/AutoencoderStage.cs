using Coser.Engine;
using Coser.Metrics;
using Coser.Networks.Autoencoder;
using Coser.Training.Adversarial;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Losses;
using Coser.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Autoencoding;

/// <summary>
/// Trains a KL autoencoder (Rombach et al., CVPR 2022): pixels, edges, perceptual maps, a patch discriminator, and a light
/// pull of the latents towards a standard normal.
/// </summary>
public sealed class AutoencoderStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "autoencoder";

    private const int GridRows = 6;
    private readonly AutoencoderRecipe _recipe;
    private readonly PhotoIndex _index;
    private readonly PhotoSamples _photos;
    private readonly PatchSizes _patches;
    private readonly KlAutoencoder _network;
    private readonly ImageLoss _loss;

    /// <param name="data">Photos with a "train" and a "validation" split.</param>
    /// <exception cref="InvalidDataException">The crops do not fit the network's reduction, or a loss lacks its network.</exception>
    public AutoencoderStage(AutoencoderRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_recipe, _index, Compute) = (recipe, data, compute);
        int reduction = recipe.Network.Reduction;
        // A halved latent must still be whole.
        _patches = new PatchSizes(recipe.Patch, recipe.OtherPatches);
        if (!_patches.AreMultiplesOf(2 * reduction))
        {
            throw new InvalidDataException(
                $"patch and other_patches must be multiples of {2 * reduction} for this network."
            );
        }
        _photos = new PhotoSamples(data, recipe.Training.Seed);
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new KlAutoencoder(recipe.Network);
        _network.to(compute.Device, compute.DType);
        _loss = new ImageLoss(recipe.Loss, compute.Device, compute.DType);
        Adversary = recipe.Adversary is null ? null : new Adversary(recipe.Adversary, compute);
    }

    /// <inheritdoc/>
    public string Name => StageName;

    /// <inheritdoc/>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters =>
        _network.named_parameters().Select(p => (p.name, (Parameter)p.parameter));

    /// <inheritdoc/>
    public Compute Compute { get; }

    /// <inheritdoc/>
    public Adversary? Adversary { get; }

    /// <inheritdoc/>
    public TrainingBatch MakeBatch(long index)
    {
        int batch = _recipe.Training.Batch;
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, index, -2);
        (int patch, int taken) = _patches.Choose(batch, draws);
        return _photos.Batch(index, batch, (photo, _, d) => MakeSample(photo, patch, d), taken);
    }

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        Tensor photo = batch["photo"];
        using LatentDistribution latents = _network.Encode((photo * 2 - 1).to(Compute.DType));
        Tensor z = latents.Sample(batch["noise"].to(Compute.DType));
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, stepsDone, -1);
        if (draws.Uniform(0, 1) < _recipe.Equivariance)
        {
            z = nn.functional.avg_pool2d(z, 2);
            photo = nn.functional.avg_pool2d(photo, 2);
        }
        Tensor decoded = _network.Decode(z).to(float32) / 2 + 0.5;
        (Tensor total, IReadOnlyList<(string Name, Tensor Value)> terms) = _loss.Compute(decoded, photo);
        Tensor kl = latents.Kl().sum() / latents.Mean.numel();
        total += kl * _recipe.Kl;
        Tensor? opposed = null;
        if (Adversary?.Plays(stepsDone) == true)
        {
            total += Adversary.PainterLoss(decoded, stepsDone);
            opposed = Adversary.Loss(decoded, photo);
        }
        return new StageLoss(total, [.. terms, ("kl", kl.detach())]) { Adversary = opposed };
    }

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var swapped = new WeightSwap(Parameters, weights);
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        var grid = new ValidationGrid(GridRows);
        IReadOnlyList<PhotoEntry> photos = _index.Evenly("validation", _recipe.ValidationPhotos);
        foreach (PhotoEntry entry in photos)
        {
            using var inner = NewDisposeScope();
            Tensor photo = TrainingPhoto.LoadForDegradation(_index, entry, _recipe.Network.Reduction);
            using LatentDistribution latents = Encode(photo);
            Tensor decoded = _network.Decode(latents.Mode()).to(float32).cpu() / 2 + 0.5;
            (Tensor _, IReadOnlyList<(string Name, Tensor Value)> terms) = _loss.Compute(
                decoded.to(Compute.Device),
                photo.to(Compute.Device)
            );
            decoded = (decoded.clamp(0, 1) * 255).round() / 255;
            Add("psnr", Psnr.Compute(decoded, photo));
            Add("ssim", Ssim.Compute(decoded, photo, new PixelMetricOptions { Colour = MetricColour.Y }));
            Add("latent_std", latents.Mean.to(float32).std().item<float>());
            foreach ((string name, Tensor value) in terms)
                Add(name, value.item<float>());
            grid.Add(decoded, photo);
        }
        return new ValidationResult(sums, grid.Join());

        void Add(string name, double value) => sums[name] = sums.GetValueOrDefault(name) + value / photos.Count;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var swapped = new WeightSwap(Parameters, weights);
        (IReadOnlyList<double> mean, IReadOnlyList<double> std) = LatentStatistics();
        AutoencoderConfig config = _recipe.Network with { LatentMean = mean, LatentStd = std };
        return [TrainedComponent.Create("autoencoder", AutoencoderConfig.Kind, config, weights)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Adversary?.Dispose();
        _loss.Dispose();
        _network.Dispose();
    }

    private Dictionary<string, Tensor> MakeSample(Tensor photo, int side, SeededDraws draws)
    {
        int reduction = _recipe.Network.Reduction;
        Tensor patch = Mirrored(RandomCrop.Square(photo, side, 2 * reduction, draws), side);
        return new(StringComparer.Ordinal)
        {
            ["photo"] = patch.to(float32).div_(255).unsqueeze(0), // [1,3,S,S], [0,1]
            ["noise"] = draws.RandN(
                1,
                _recipe.Network.EmbedDim,
                patch.shape[1] / reduction,
                patch.shape[2] / reduction
            ),
        };
    }

    // What a photo lacks of the side is its mirror image, again and again.
    private static Tensor Mirrored(Tensor patch, int side)
    {
        for (int axis = 1; axis <= 2; axis++)
        {
            while (patch.shape[axis] < side)
                patch = cat([patch, patch.flip(axis)], dim: axis)
                    .narrow(axis, 0, Math.Min(side, 2 * patch.shape[axis]));
        }
        return patch;
    }

    // [1,3,H,W] in [0,1]
    private LatentDistribution Encode(Tensor photo) =>
        _network.Encode((photo * 2 - 1).to(Compute.DType, Compute.Device));

    // Over the modes of whole photos, every place counting once.
    private (IReadOnlyList<double> Mean, IReadOnlyList<double> Std) LatentStatistics()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long channels = _recipe.Network.EmbedDim;
        Tensor sum = zeros(channels, dtype: float64);
        Tensor squares = zeros(channels, dtype: float64);
        long places = 0;
        foreach (PhotoEntry entry in _index.Evenly("train", _recipe.StatisticsPhotos))
        {
            using var inner = NewDisposeScope();
            Tensor photo = TrainingPhoto.LoadForDegradation(_index, entry, _recipe.Network.Reduction);
            using LatentDistribution latents = Encode(photo);
            Tensor mode = latents.Mode().to(float64).cpu().transpose(0, 1).flatten(1); // [C,places]
            sum.add_(mode.sum(1));
            squares.add_(mode.square().sum(1));
            places += mode.shape[1];
        }
        Tensor mean = sum / places;
        Tensor std = (squares / places - mean.square()).sqrt();
        return ([.. mean.data<double>()], [.. std.data<double>()]);
    }
}
