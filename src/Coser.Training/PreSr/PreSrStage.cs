using Coser.Checkpoints;
using Coser.Engine;
using Coser.Metrics;
using Coser.Networks.PreSr;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.PreSr;

/// <summary>Trains the pre-SR network alone: L1 between its output and the photo (BasicSR's MSRResNet recipe).</summary>
public sealed class PreSrStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "presr";

    private const int GridRows = 6;
    private const ulong ValidationSeed = 0x5EED;
    private readonly PreSrRecipe _recipe;
    private readonly PhotoIndex _index;
    private readonly PhotoSamples _photos;
    private readonly MsrResNet _network;
    private readonly SecondOrderDegradation _degradation = new();

    /// <param name="data">Photos with a "train" and a "validation" split.</param>
    public PreSrStage(PreSrRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_recipe, _index, Compute) = (recipe, data, compute);
        _photos = new PhotoSamples(data, recipe.Training.Seed);
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new MsrResNet(recipe.Network);
        _network.to(compute.Device, compute.DType);
    }

    /// <inheritdoc/>
    public string Name => StageName;

    /// <inheritdoc/>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters =>
        _network.named_parameters().Select(p => (p.name, (Parameter)p.parameter));

    /// <inheritdoc/>
    public Compute Compute { get; }

    /// <inheritdoc/>
    public TrainingBatch MakeBatch(long index) => _photos.Batch(index, _recipe.Training.Batch, MakeSample);

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch, long stepsDone) =>
        new(nn.functional.l1_loss(_network.call(batch["lr"]), batch["hr"]));

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var swapped = new WeightSwap(Parameters, weights);
        IReadOnlyList<PhotoEntry> photos = _index.Evenly("validation", _recipe.ValidationPhotos);
        double psnr = 0;
        double ssim = 0;
        var grid = new ValidationGrid(GridRows);
        foreach ((int i, PhotoEntry entry) in photos.Index())
        {
            using var inner = NewDisposeScope();
            Tensor hr = TrainingPhoto.LoadForDegradation(_index, entry, 4);
            Tensor lr = _degradation.DegradeWhole(hr, ValidationSeed + (ulong)i, _recipe.Degradation);
            Tensor sr = (_network.call(lr.to(Compute.Device)).cpu().clamp(0, 1) * 255).round() / 255;
            psnr += Psnr.Compute(sr, hr) / photos.Count;
            ssim += Ssim.Compute(sr, hr, new PixelMetricOptions { Colour = MetricColour.Y }) / photos.Count;
            grid.Add(Nearest(lr), sr, hr);
        }
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal) { ["psnr"] = psnr, ["ssim"] = ssim };
        return new ValidationResult(metrics, grid.Join());
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) =>
        [TrainedComponent.Create(ModelDirectory.PreSrRole, MsrResNetConfig.Kind, _recipe.Network, weights)];

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
    }

    private Dictionary<string, Tensor> MakeSample(Tensor photo, PhotoEntry entry, SeededDraws draws)
    {
        Tensor patch = RandomCrop.Square(photo, _recipe.Patch, 4, draws).to(float32).div_(255).unsqueeze(0);
        (Tensor lr, Tensor hr) = _degradation.Degrade(patch, draws, _recipe.Degradation);
        return new(StringComparer.Ordinal)
        {
            ["lr"] = lr, // [1,3,h,w], [0,1]
            ["hr"] = hr, // [1,3,4h,4w]
        };
    }

    private static Tensor Nearest(Tensor lr) =>
        nn.functional.interpolate(lr, scale_factor: [4, 4], mode: InterpolationMode.Nearest);
}
