using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Metrics;
using Coser.Networks.Autoencoder;
using Coser.Networks.PreSr;
using Coser.Restoration;
using Coser.Training.Adversarial;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Losses;
using Coser.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Wrapping;

/// <summary>
/// Trains controllable feature wrapping (section 3.4 of the paper; StableSR, section 3.2): the decoder learns to take details
/// from the LR photo's features, on latents as they are really sampled.
/// </summary>
public sealed class WrappingStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "cfw";

    private const int GridRows = 6;
    private const string Sharp = "sharp";
    private const string Latent = "latent";
    private const string Grain = "grain";
    private readonly WrappingRecipe _recipe;
    private readonly LatentSet _latents;
    private readonly ViewReader _views;
    private readonly PhotoSamples _photos;
    private readonly IReadOnlyList<PhotoEntry> _validation;
    private readonly AutoencoderConfig _config;
    private readonly KlAutoencoder _network;
    private readonly MsrResNet? _preSr;
    private readonly Enlargement _enlargement;
    private readonly IReadOnlyList<(string Name, Parameter Parameter)> _trained;
    private readonly ImageLoss _loss;
    private readonly PatchSizes _patches;
    private readonly double _noise;
    private readonly ColourFixKind _colours;

    /// <param name="data">Photos with a "train" and a "validation" split; those that the latents lack are left out.</param>
    /// <exception cref="InvalidDataException">An input is missing, or the parts do not fit each other.</exception>
    /// <exception cref="CheckpointException">The model lacks its autoencoder, or is damaged.</exception>
    public WrappingStage(WrappingRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_recipe, Compute) = (recipe, compute);
        var inputs = new StageInputs(data);
        _latents = LatentSet.Open(inputs.PathOf(recipe.Latents));
        _latents.Require(LatentSet.Sampled);
        StageInputs.Require(_latents.Manifest.Settings.Degradation is not null, "latents must be made with --degraded");
        _views = new ViewReader(_latents.Manifest, data);
        _photos = new PhotoSamples(data, inputs.Known(_latents, "train"), recipe.Training.Seed);
        _validation = inputs.Known(_latents, "validation", recipe.ValidationPhotos);
        using ModelDirectory model = ModelDirectory.Open(inputs.ModelOf(recipe.Model));
        _config = Config(recipe, model);
        RestorationConfig used = model.Manifest.Restoration ?? new RestorationConfig();
        _noise = used.FeatureNoise;
        _colours = recipe.CorrectColours ? used.ColourFix : ColourFixKind.None;
        _patches = Patches(recipe, _latents.Manifest.Settings, _config.Reduction);
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new KlAutoencoder(_config);
        StageInputs.Take(_network, model, ComponentNames.Autoencoder);
        StageInputs.Take(_network, model, ComponentNames.Cfw);
        _network.to(compute.Device, compute.DType);
        LatentSetSettings views = _latents.Manifest.Settings;
        if (views.Enlargement == EnlargementKind.PreSr)
            _preSr = model.Load(ComponentNames.PreSr, NetworkKinds.MsrResNet, compute.Device, compute.DType);
        _enlargement = Enlargement.Of(views.Enlargement, views.Degradation!.Scale, _preSr, compute.Device);
        _trained = StageInputs.Choose(StageInputs.Named(_network, ""), recipe.Trainable);
        _loss = new ImageLoss(recipe.Loss, compute.Device, compute.DType);
        Adversary = recipe.Adversary is null ? null : new Adversary(recipe.Adversary, compute);
    }

    /// <inheritdoc/>
    public string Name => StageName;

    /// <inheritdoc/>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters => _trained;

    /// <inheritdoc/>
    public Compute Compute { get; }

    /// <inheritdoc/>
    public Adversary? Adversary { get; }

    /// <inheritdoc/>
    public TrainingBatch MakeBatch(long index)
    {
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, index, -2);
        (int side, int taken) = _patches.Choose(_recipe.Training.Batch, draws);
        return _photos.Batch(index, _recipe.Training.Batch, (entry, d) => Drawn(entry, side, d), taken);
    }

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, stepsDone, -1);
        double weight = draws.Uniform(0, 1) < _recipe.PlainShare ? 0 : _recipe.Weight;
        if (_recipe.CalmShare > 0 && draws.Random() < _recipe.CalmShare)
            batch = Calmed(batch, weight, draws);
        (Tensor decoded, Tensor truth) = Jittered(Decode(batch, weight), batch[Sharp], draws);
        (Tensor total, IReadOnlyList<(string Name, Tensor Value)> terms) = _loss.Compute(decoded, truth);
        Tensor? opposed = null;
        if (Adversary?.Plays(stepsDone) == true)
        {
            total += Adversary.PainterLoss(decoded, stepsDone);
            opposed = Adversary.Loss(decoded, truth);
        }
        return new StageLoss(total, terms) { Adversary = opposed };
    }

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var swapped = new WeightSwap(Parameters, weights);
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        var grid = new ValidationGrid(GridRows);
        foreach ((int i, PhotoEntry entry) in _validation.Index())
        {
            using var inner = NewDisposeScope();
            using var draws = SeededDraws.ForSample(_recipe.Training.Seed, i, -3);
            using TrainingBatch batch = TrainingBatch
                .Join([Noisy(Sample(entry, 0, LatentSet.Sampled), draws)])
                .To(Compute.Device);
            Tensor truth = batch[Sharp].cpu();
            Tensor wrapped = Rounded(Decode(batch, _recipe.Weight));
            Tensor plain = Rounded(Decode(batch, 0));
            (Tensor _, IReadOnlyList<(string Name, Tensor Value)> terms) = _loss.Compute(
                wrapped.to(Compute.Device),
                batch[Sharp]
            );
            Add("psnr", Psnr.Compute(wrapped, truth));
            Add("psnr_plain", Psnr.Compute(plain, truth));
            Add("ssim", Ssim.Compute(wrapped, truth, new PixelMetricOptions { Colour = MetricColour.Y }));
            Add("sharpness", Sharpness.Compute(wrapped, truth));
            foreach ((string name, Tensor value) in terms)
                Add(name, value.item<float>());
            grid.Add(Enlarged(batch).cpu(), plain, wrapped, truth);
        }
        return new ValidationResult(sums, grid.Join());

        void Add(string name, double value) => sums[name] = sums.GetValueOrDefault(name) + value / _validation.Count;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) =>
        [
            TrainedComponent.Create(
                _recipe.Shared ? ComponentNames.Autoencoder : ComponentNames.Cfw,
                AutoencoderConfig.Kind,
                _config,
                StageInputs.WithBuffers(_network, weights, "")
            ),
        ];

    /// <inheritdoc/>
    public void Dispose()
    {
        Adversary?.Dispose();
        _loss?.Dispose();
        _network?.Dispose();
        _preSr?.Dispose();
        _latents.Dispose();
    }

    private static AutoencoderConfig Config(WrappingRecipe recipe, ModelDirectory model)
    {
        string role =
            !recipe.Shared && model.Manifest.Components.ContainsKey(ComponentNames.Cfw)
                ? ComponentNames.Cfw
                : ComponentNames.Autoencoder;
        using KlAutoencoder built = model.Build(role, NetworkKinds.Autoencoder);
        return built.Config.FuseBlocks is null
            ? built.Config with
            {
                FuseBlocks = recipe.FuseBlocks,
                FuseGrowth = recipe.FuseGrowth,
                FuseLevels = recipe.FuseLevels,
            }
            : built.Config;
    }

    private static PatchSizes Patches(WrappingRecipe recipe, LatentSetSettings views, int reduction)
    {
        var patches = new PatchSizes(recipe.Patch ?? views.Size, recipe.OtherPatches);
        StageInputs.Require(
            patches.AreMultiplesOf(reduction) && patches.Largest <= views.Size,
            $"patch and other_patches are multiples of {reduction} up to the views' {views.Size}"
        );
        StageInputs.Require(
            reduction % views.Degradation!.Scale == 0 || recipe.Patch is null && recipe.OtherPatches.Count == 0,
            $"views degraded x{views.Degradation.Scale} cannot be cropped on a grid of {reduction} pixels"
        );
        StageInputs.Require(
            recipe.Jitter >= 0 && recipe.Jitter < patches.Smallest,
            "jitter is at least 0 and below the smallest patch"
        );
        foreach (
            (string name, double share) in new[]
            {
                ("plain_share", recipe.PlainShare),
                ("clean_share", recipe.CleanShare),
                ("calm_share", recipe.CalmShare),
            }
        )
            StageInputs.Require(share is >= 0 and <= 1, $"{name} is in 0..1");
        return patches;
    }

    private Dictionary<string, Tensor> Drawn(PhotoEntry entry, int side, SeededDraws draws)
    {
        int view = draws.RandInt(0, _latents.Manifest.Settings.Views - 1);
        string column = draws.Random() < _recipe.CleanShare ? LatentSet.Clean : LatentSet.Sampled;
        return Noisy(Cropped(Sample(entry, view, column), side, draws), draws);
    }

    private (Tensor Decoded, Tensor Truth) Jittered(Tensor decoded, Tensor truth, SeededDraws draws)
    {
        if (_recipe.Jitter == 0)
            return (decoded, truth);
        (int top, int left) = (draws.RandInt(0, _recipe.Jitter), draws.RandInt(0, _recipe.Jitter));
        return (Shifted(decoded), Shifted(truth));

        Tensor Shifted(Tensor x) =>
            x.narrow(2, top, x.shape[2] - _recipe.Jitter).narrow(3, left, x.shape[3] - _recipe.Jitter).contiguous();
    }

    // A square of all of them, at the same place.
    private static Dictionary<string, Tensor> Cropped(Dictionary<string, Tensor> sample, int side, SeededDraws draws)
    {
        long whole = sample[Sharp].shape[2];
        // The latent's grid is the coarsest.
        long grid = whole / sample[Latent].shape[2];
        int most = (int)((whole - side) / grid);
        (long top, long left) = (draws.RandInt(0, most) * grid, draws.RandInt(0, most) * grid);
        return sample.ToDictionary(
            p => p.Key,
            p =>
            {
                long step = whole / p.Value.shape[2];
                return p.Value.narrow(2, top / step, side / step).narrow(3, left / step, side / step).contiguous();
            },
            StringComparer.Ordinal
        );
    }

    private Dictionary<string, Tensor> Sample(PhotoEntry entry, int view, string column)
    {
        long record = _latents.RecordOf(entry.File, view);
        PhotoView pictures = _views.Read(record);
        return new(StringComparer.Ordinal)
        {
            [Sharp] = pictures.Sharp,
            [LatentSet.Lr] = pictures.Lr!,
            [Latent] = _latents.Read(column, record),
        };
    }

    private Dictionary<string, Tensor> Noisy(Dictionary<string, Tensor> sample, SeededDraws draws)
    {
        if (_noise > 0)
            sample.Add(Grain, draws.RandN(sample[Sharp].shape) * _noise);
        return sample;
    }

    // Its latent is not sampled: sampling starts so late that it leaves such photos nearly as the encoder saw them.
    private TrainingBatch Calmed(TrainingBatch batch, double weight, SeededDraws draws)
    {
        using var noGrad = no_grad();
        (Tensor truth, Tensor lr) = CalmViews.Of(batch, Sharp, draws);
        Tensor seen = weight == 0 ? truth : _enlargement.Apply(lr);
        Tensor mean = _network.Encode((seen * 2 - 1).to(Compute.DType)).Mean;
        var calm = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            [Sharp] = truth,
            [LatentSet.Lr] = lr,
            [Latent] = _network.ToLatent(mean.to(float32)),
        };
        if (batch.Has(Grain))
            calm.Add(Grain, batch[Grain]);
        return new TrainingBatch(calm);
    }

    // [B,3,S,S], float32, about [0,1]
    private Tensor Decode(TrainingBatch batch, double weight)
    {
        Tensor raw = _network.FromLatent(batch[Latent]).to(Compute.DType);
        if (weight == 0)
            return _network.Decode(raw).to(float32) / 2 + 0.5;
        Tensor enlarged = Enlarged(batch);
        Tensor shown = batch.Has(Grain) ? enlarged + batch[Grain] : enlarged;
        EncoderFeatures features = _network.EncodeFeatures((shown * 2 - 1).to(Compute.DType));
        Tensor decoded = _network.Decode(raw, features, weight).to(float32) / 2 + 0.5;
        return ColourFix.Apply(_colours, decoded, enlarged.to(float32));
    }

    // [B,3,S,S], [0,1]: what the features are taken from
    private Tensor Enlarged(TrainingBatch batch)
    {
        using var noGrad = no_grad();
        return _enlargement.Apply(batch[LatentSet.Lr]);
    }

    private static Tensor Rounded(Tensor picture) => (picture.cpu().clamp(0, 1) * 255).round() / 255;
}
