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
    private readonly IReadOnlyList<PhotoEntry> _photos;
    private readonly SampleOrder _order;
    private readonly MsrResNet _network;
    private readonly MsrResNet _judged;
    private readonly ScalarType _compute;
    private readonly SecondOrderDegradation _degradation = new();

    /// <param name="data">Photos with a "train" and a "validation" split.</param>
    public PreSrStage(PreSrRecipe recipe, PhotoIndex data)
    {
        _recipe = recipe;
        _index = data;
        _photos = data.Split("train");
        _order = new SampleOrder(_photos.Count, recipe.Training.Seed);
        _compute = recipe.Training.Bf16 ?? CpuFeatures.Bf16 ? bfloat16 : float32;
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new MsrResNet(recipe.Network);
        _judged = new MsrResNet(recipe.Network);
        _network.to(_compute);
        _judged.to(_compute);
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
        (Tensor Lr, Tensor Hr)[] samples = [.. Enumerable.Range(0, size).Select(i => MakeSample(index * size + i))];
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["lr"] = cat([.. samples.Select(s => s.Lr)]).DetachFromDisposeScope(), // [B,3,h,w]
            ["hr"] = cat([.. samples.Select(s => s.Hr)]).DetachFromDisposeScope(), // [B,3,4h,4w]
        };
        return new TrainingBatch(tensors);
    }

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch) => new(nn.functional.l1_loss(_network.call(batch["lr"]), batch["hr"]));

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach ((string name, Tensor parameter) in _judged.named_parameters())
            parameter.copy_(weights[name]);
        IReadOnlyList<PhotoEntry> all = _index.Split("validation");
        int count = Math.Min(_recipe.ValidationPhotos, all.Count);
        double psnr = 0;
        double ssim = 0;
        var rows = new List<IReadOnlyList<Tensor>>();
        for (int i = 0; i < count; i++)
        {
            using var inner = NewDisposeScope();
            Tensor hr = TrainingPhoto.LoadForDegradation(_index.PathOf(all[i * all.Count / count]), 4);
            Tensor lr = _degradation.DegradeWhole(hr, ValidationSeed + (ulong)i, _recipe.Degradation);
            Tensor sr = (_judged.call(lr).clamp(0, 1) * 255).round() / 255;
            psnr += Psnr.Compute(sr, hr) / count;
            ssim += Ssim.Compute(sr, hr, new PixelMetricOptions { Colour = MetricColour.Y }) / count;
            // A grid needs pictures of one size.
            if (rows.Count == 0 || rows.Count < GridRows && rows[0][2].shape.SequenceEqual(hr.shape.Skip(1)))
                rows.Add([.. new[] { Nearest(lr), sr, hr }.Select(t => t.squeeze(0).MoveToOuterDisposeScope())]);
        }
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal) { ["psnr"] = psnr, ["ssim"] = ssim };
        return new ValidationResult(metrics, SampleGrid.Join(rows).DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) =>
        [TrainedComponent.Create(ModelDirectory.PreSrRole, "msrresnet", _recipe.Network, weights)];

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
        _judged.Dispose();
    }

    // Everything about a sample follows from its number: which photo, which patch, which degradation.
    private (Tensor Lr, Tensor Hr) MakeSample(long sample)
    {
        (int photo, long epoch) = _order[sample];
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, epoch, photo);
        Tensor whole = TrainingPhoto.Load(_index.PathOf(_photos[photo])); // [3,H,W] uint8
        Tensor patch = RandomCrop.Square(whole, _recipe.Patch, 4, draws).to(float32).div_(255).unsqueeze(0);
        return _degradation.Degrade(patch, draws, _recipe.Degradation);
    }

    private static Tensor Nearest(Tensor lr) =>
        nn.functional.interpolate(lr, scale_factor: [4, 4], mode: InterpolationMode.Nearest);
}
