using Coser.Engine;
using Coser.Metrics.Features;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Features;

/// <summary>Trains a classifier of the data set's labels; its inner maps are what is wanted.</summary>
public sealed class FeatureStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "features";

    private readonly FeatureRecipe _recipe;
    private readonly PhotoIndex _index;
    private readonly PhotoSamples _photos;
    private readonly IReadOnlyList<PhotoEntry> _validation;
    private readonly Dictionary<string, long> _classes;
    private readonly FeatureNetwork _network;

    /// <param name="data">Photos with labels, and a "train" and a "validation" split.</param>
    /// <exception cref="InvalidDataException">Fewer than two labels have enough photos.</exception>
    public FeatureStage(FeatureRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_index, Compute) = (data, compute);
        string[] names =
        [
            .. data.Split("train")
                .Where(p => p.Label.Length > 0)
                .GroupBy(p => p.Label, StringComparer.Ordinal)
                .Where(g => g.Count() >= recipe.MinPhotos)
                .Select(g => g.Key)
                .Order(StringComparer.Ordinal),
        ];
        if (names.Length < 2)
            throw new InvalidDataException(
                $"{data.Folder}: fewer than two labels have {recipe.MinPhotos} training photos."
            );
        _recipe = recipe with { Network = recipe.Network with { Classes = names } };
        _classes = names.Select((n, i) => (n, i)).ToDictionary(c => c.n, c => (long)c.i, StringComparer.Ordinal);
        PhotoEntry[] photos = [.. data.Split("train").Where(p => _classes.ContainsKey(p.Label))];
        _photos = new PhotoSamples(data, photos, recipe.Training.Seed);
        _validation = [.. data.Split("validation").Where(p => _classes.ContainsKey(p.Label))];
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new FeatureNetwork(_recipe.Network);
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
    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        Tensor logits = _network.call(batch["image"]);
        Tensor loss = nn.functional.cross_entropy(logits, batch["label"], label_smoothing: _recipe.LabelSmoothing);
        return new StageLoss(loss, ("accuracy", logits.argmax(1).eq(batch["label"]).to(float32).mean()));
    }

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var swapped = new WeightSwap(Parameters, weights);
        double loss = 0;
        double first = 0;
        double five = 0;
        foreach (PhotoEntry photo in _validation)
        {
            using var inner = NewDisposeScope();
            Tensor whole = TrainingPhoto.Load(_index, photo);
            Tensor logits = _network.call(Resized(whole).to(Compute.Device)).cpu();
            Tensor truth = tensor(new[] { _classes[photo.Label] });
            loss += nn.functional.cross_entropy(logits, truth).item<float>() / _validation.Count;
            // The place of the true class among all, best first.
            long place = logits.gt(logits[0, truth]).sum().item<long>();
            first += (place < 1 ? 1.0 : 0) / _validation.Count;
            five += (place < 5 ? 1.0 : 0) / _validation.Count;
        }
        return new ValidationResult(
            new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["loss"] = loss,
                ["top1"] = first,
                ["top5"] = five,
            },
            Grid: null
        );
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) =>
        [TrainedComponent.Create(_recipe.Role, FeatureNetworkFile.Kind, _recipe.Network, weights)];

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
    }

    private Dictionary<string, Tensor> MakeSample(Tensor photo, PhotoEntry entry, SeededDraws draws)
    {
        Tensor image = Resized(RandomCrop.Area(photo, _recipe.MinArea, draws));
        if (draws.Uniform(0, 1) < 0.5)
            image = image.flip(3);
        double contrast = draws.Uniform(0.8, 1.2);
        double light = draws.Uniform(-0.08, 0.08);
        return new(StringComparer.Ordinal)
        {
            ["image"] = ((image - 0.5) * contrast + (0.5 + light)).clamp(0, 1), // [1,3,S,S]
            ["label"] = tensor(new[] { _classes[entry.Label] }), // [1]
        };
    }

    // [3,H,W] uint8 -> [1,3,S,S], [0,1]
    private Tensor Resized(Tensor photo) =>
        nn.functional.interpolate(
            photo.to(float32).div(255).unsqueeze(0),
            [_recipe.Size, _recipe.Size],
            mode: InterpolationMode.Bilinear,
            align_corners: false,
            antialias: true
        );
}
