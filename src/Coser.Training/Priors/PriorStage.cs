using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Diffusion;
using Coser.Engine;
using Coser.Networks.Unet;
using Coser.Restoration;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Objectives;
using Coser.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Priors;

/// <summary>
/// Trains the text-to-image UNet that paints references (section 3.2 of the paper uses a published one; a small model needs
/// its own): latent diffusion (Rombach et al., CVPR 2022) on cached latents.
/// </summary>
public sealed class PriorStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "prior";

    private const int JudgedAtOnce = 16;
    private readonly PriorRecipe _recipe;
    private readonly FrozenNetworks _frozen;
    private readonly LatentSet _latents;
    private readonly LatentSamples _samples;
    private readonly PhotoSamples _photos;
    private readonly IReadOnlyList<PhotoEntry> _validation;
    private readonly DiffusionObjective _objective;
    private readonly LatentSampling _sampling;
    private readonly UnetModel _network;

    /// <param name="data">Photos with a "train" and a "validation" split; those that the latents lack are left out.</param>
    /// <exception cref="InvalidDataException">An input is missing, or the parts do not fit each other.</exception>
    /// <exception cref="CheckpointException">The model lacks a network or its tokenizer, or is damaged.</exception>
    public PriorStage(PriorRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_recipe, Compute) = (recipe, compute);
        var inputs = new StageInputs(data);
        _objective = new DiffusionObjective(recipe.Diffusion, recipe.Objective);
        _sampling = new LatentSampling(recipe.Diffusion);
        CaptionIndex captions = CaptionIndex.Open(inputs.PathOf(recipe.Captions));
        using ModelDirectory model = ModelDirectory.Open(inputs.ModelOf(recipe.Model));
        ClipTokenizer tokenizer = StageInputs.TokenizerOf(model);
        _latents = LatentSet.Open(inputs.PathOf(recipe.Latents));
        if (recipe.EmbeddingShare > 0)
            _latents.Require(LatentSet.Embedding);
        _frozen = new FrozenNetworks(model, compute);
        Check(recipe, _frozen);
        _samples = new LatentSamples(_latents, captions, tokenizer, _frozen.Clip!.Text.ContextLength, _objective);
        _photos = new PhotoSamples(data, inputs.Known(_latents, "train"), recipe.Training.Seed);
        _validation = inputs.Known(_latents, "validation", recipe.ValidationPhotos);
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new UnetModel(recipe.Network) { Recompute = recipe.Recompute };
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
    public TrainingBatch MakeBatch(long index)
    {
        // One kind of context a batch: they differ in length.
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, index, -1);
        bool embedded = draws.Random() < _recipe.EmbeddingShare;
        double drop = embedded ? _recipe.EmbeddingTextDrop : _recipe.TextDrop;
        string[] columns = embedded ? [LatentSet.Embedding] : [];
        return _photos.Batch(index, _recipe.Training.Batch, (entry, d) => _samples.Draw(entry, d, drop, columns));
    }

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        Tensor prediction = Predict(batch);
        (Tensor loss, Tensor errors) = _objective.Compute(
            prediction,
            batch[LatentSamples.Clean],
            batch[LatentSamples.Noise],
            batch[LatentSamples.Timestep]
        );
        return new StageLoss(loss, ("error", errors.mean()));
    }

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var swapped = new WeightSwap(Parameters, weights);
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal) { ["loss"] = MeanError() };
        if (_recipe.EmbeddingShare > 0)
            metrics["loss_embedding"] = MeanError(LatentSet.Embedding);
        return new ValidationResult(metrics, Paint());
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) =>
        [TrainedComponent.Create(ComponentNames.Unet, UnetConfig.Kind, _recipe.Network, weights)];

    /// <inheritdoc/>
    public void Dispose()
    {
        _network?.Dispose();
        _frozen?.Dispose();
        _latents?.Dispose();
    }

    private static void Check(PriorRecipe recipe, FrozenNetworks frozen)
    {
        StageInputs.Require(
            frozen.Clip is not null,
            "the model has no CLIP: train one with 'coser train clip' and export it into the model"
        );
        StageInputs.CheckUnet(recipe.Network, frozen);
        StageInputs.Require(!recipe.Network.AllInAttention, "a prior has no all_in_attention");
        StageInputs.Require(recipe.TextDrop is >= 0 and <= 1, "text_drop is in 0..1");
        StageInputs.Require(recipe.EmbeddingShare is >= 0 and <= 1, "embedding_share is in 0..1");
    }

    private Tensor Predict(TrainingBatch batch)
    {
        Tensor steps = batch[LatentSamples.Timestep];
        Tensor noisy = _objective.Noisy(batch[LatentSamples.Clean], batch[LatentSamples.Noise], steps);
        Tensor context = _frozen.Read(batch[LatentSamples.Tokens]);
        if (batch.Has(LatentSet.Embedding))
            context = cat([context, batch[LatentSet.Embedding]], dim: 1);
        return _network.Predict(noisy, steps, context);
    }

    // Timesteps evenly spread over the photos; the same photos, noise and captions every time.
    private double MeanError(params string[] columns)
    {
        double sum = 0;
        int count = _validation.Count;
        foreach ((int Index, PhotoEntry Item)[] chunk in _validation.Index().Chunk(JudgedAtOnce))
        {
            using var inner = NewDisposeScope();
            using TrainingBatch batch = TrainingBatch
                .Join([.. chunk.Select(c => Fixed(c.Item, c.Index, count, columns))])
                .To(Compute.Device);
            (Tensor _, Tensor errors) = _objective.Compute(
                Predict(batch),
                batch[LatentSamples.Clean],
                batch[LatentSamples.Noise],
                batch[LatentSamples.Timestep]
            );
            sum += errors.sum().item<float>();
        }
        return sum / count;
    }

    private Dictionary<string, Tensor> Fixed(PhotoEntry entry, int index, int count, string[] columns)
    {
        using var draws = SeededDraws.ForSample(0x5EED, 0, index);
        // Neighbours in the index look alike: a stride spreads every class over the timesteps.
        long place = index * 37L % count;
        return _samples.First(entry, (2 * place + 1) * _objective.Schedule.Count / (2 * count), draws, columns);
    }

    // Painted beside the photo whose caption, or embedding, was given.
    private Tensor? Paint()
    {
        if (_recipe.Samples < 1)
            return null;
        IReadOnlyList<PhotoEntry> photos = PhotoIndex.Evenly(_validation, _recipe.Samples);
        string[] columns = _recipe.EmbeddingShare > 0 ? [LatentSet.Embedding] : [];
        using TrainingBatch batch = TrainingBatch
            .Join([.. photos.Select((p, i) => Fixed(p, i, photos.Count, columns))])
            .To(Compute.Device);
        Tensor positive = _frozen.Read(batch[LatentSamples.Tokens]);
        if (batch.Has(LatentSet.Embedding))
            positive = cat([_frozen.Read(Empty(photos.Count)), batch[LatentSet.Embedding]], dim: 1);
        Tensor negative = _frozen.Read(Empty(photos.Count));
        var settings = new SamplingSettings(
            _recipe.SampleSteps,
            SamplerKind.Dpm,
            _recipe.Guidance,
            _objective.Schedule.Count - 1
        );
        Tensor painted = _sampling.Run(
            ReferenceGenerator.Stage,
            settings,
            (z, timestep) =>
            {
                using Tensor t = full([z.shape[0]], timestep, dtype: int64, device: Compute.Device);
                return Guidance.Combine(
                    settings.Guidance,
                    () => _network.Predict(z, t, positive),
                    () => _network.Predict(z, t, negative)
                );
            },
            batch[LatentSamples.Noise],
            new SeededNoise(1),
            StageContext.Silent
        );
        Tensor left = _frozen.Decode(painted).cpu();
        Tensor right = _frozen.Decode(batch[LatentSamples.Clean]).cpu();
        var grid = new ValidationGrid(photos.Count);
        for (int i = 0; i < photos.Count; i++)
            grid.Add(left.narrow(0, i, 1), right.narrow(0, i, 1));
        return grid.Join();
    }

    private Tensor Empty(int count) => _samples.Ids("").expand(count, -1).to(Compute.Device);
}
