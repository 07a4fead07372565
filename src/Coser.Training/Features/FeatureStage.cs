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
    private readonly IReadOnlyList<PhotoEntry> _photos;
    private readonly IReadOnlyList<PhotoEntry> _validation;
    private readonly Dictionary<string, long> _classes;
    private readonly SampleOrder _order;
    private readonly FeatureNetwork _network;
    private readonly FeatureNetwork _judged;

    /// <param name="data">Photos with labels, and a "train" and a "validation" split.</param>
    /// <exception cref="InvalidDataException">Fewer than two labels have enough photos.</exception>
    public FeatureStage(FeatureRecipe recipe, PhotoIndex data)
    {
        _index = data;
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
        _photos = [.. data.Split("train").Where(p => _classes.ContainsKey(p.Label))];
        _validation = [.. data.Split("validation").Where(p => _classes.ContainsKey(p.Label))];
        _order = new SampleOrder(_photos.Count, recipe.Training.Seed);
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new FeatureNetwork(_recipe.Network);
        _judged = new FeatureNetwork(_recipe.Network);
        _network.to(recipe.Training.Bf16 ?? CpuFeatures.Bf16 ? bfloat16 : float32);
        _judged.eval();
    }

    /// <inheritdoc/>
    public string Name => StageName;

    /// <inheritdoc/>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters =>
        _network.named_parameters().Select(p => (p.name, (Parameter)p.parameter));

    /// <inheritdoc/>
    public TrainingBatch MakeBatch(long index)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int size = _recipe.Training.Batch;
        (Tensor Image, long Label)[] samples = [.. Enumerable.Range(0, size).Select(i => MakeSample(index * size + i))];
        return new TrainingBatch(
            new Dictionary<string, Tensor>(StringComparer.Ordinal)
            {
                ["image"] = cat([.. samples.Select(s => s.Image)]).DetachFromDisposeScope(), // [B,3,S,S]
                ["label"] = tensor(samples.Select(s => s.Label).ToArray()).DetachFromDisposeScope(), // [B]
            }
        );
    }

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch)
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
        foreach ((string name, Tensor parameter) in _judged.named_parameters())
            parameter.copy_(weights[name]);
        double loss = 0;
        double first = 0;
        double five = 0;
        foreach (PhotoEntry photo in _validation)
        {
            using var inner = NewDisposeScope();
            Tensor whole = TrainingPhoto.Load(_index.PathOf(photo));
            Tensor logits = _judged.call(Resized(whole));
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
        [TrainedComponent.Create(_recipe.Role, "features", _recipe.Network, weights)];

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
        _judged.Dispose();
    }

    private (Tensor Image, long Label) MakeSample(long sample)
    {
        (int photo, long epoch) = _order[sample];
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, epoch, photo);
        Tensor whole = TrainingPhoto.Load(_index.PathOf(_photos[photo])); // [3,H,W] uint8
        Tensor image = Resized(Crop(whole, draws));
        if (draws.Uniform(0, 1) < 0.5)
            image = image.flip(3);
        double contrast = draws.Uniform(0.8, 1.2);
        double light = draws.Uniform(-0.08, 0.08);
        return (((image - 0.5) * contrast + (0.5 + light)).clamp(0, 1), _classes[_photos[photo].Label]);
    }

    // A part of random area and shape, as ImageNet's classifiers are trained on.
    private Tensor Crop(Tensor photo, SeededDraws draws)
    {
        double area = draws.Uniform(_recipe.MinArea, 1) * photo.shape[1] * photo.shape[2];
        double aspect = Math.Exp(draws.Uniform(Math.Log(3 / 4.0), Math.Log(4 / 3.0)));
        int h = (int)Math.Min(photo.shape[1], Math.Round(Math.Sqrt(area / aspect)));
        int w = (int)Math.Min(photo.shape[2], Math.Round(Math.Sqrt(area * aspect)));
        int top = draws.RandInt(0, (int)photo.shape[1] - h);
        int left = draws.RandInt(0, (int)photo.shape[2] - w);
        return photo.narrow(1, top, h).narrow(2, left, w);
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
