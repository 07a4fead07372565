using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Networks.Clip;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Clip;

/// <summary>Trains CLIP's two towers on photos and their captions (Radford et al., ICML 2021).</summary>
public sealed class ClipStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "clip";

    private readonly ClipRecipe _recipe;
    private readonly string _tokenizer;
    private readonly PhotoSamples _photos;
    private readonly ClipSamples _samples;
    private readonly ClipModel _network;
    private readonly ClipValidation _validation;

    /// <param name="data">Photos with a "train" and a "validation" split, both with captions.</param>
    /// <exception cref="InvalidDataException">The captions are missing, or the tokenizer does not fit the network.</exception>
    /// <exception cref="CheckpointException">The tokenizer is missing or damaged.</exception>
    /// <exception cref="ArgumentException">The network's sizes do not fit each other.</exception>
    public ClipStage(ClipRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_recipe, Compute) = (recipe, compute);
        Check(recipe);
        var captions = CaptionIndex.Open(Path.GetFullPath(recipe.Captions, Path.GetFullPath(data.Folder)));
        _tokenizer = Path.GetFullPath(recipe.Tokenizer, Path.GetFullPath(data.Folder));
        ClipTokenizer tokenizer = ClipTokenizer.Open(_tokenizer);
        if (tokenizer.VocabularySize != recipe.Network.Text.VocabSize)
            throw new InvalidDataException(
                $"{_tokenizer}: it has {tokenizer.VocabularySize} tokens, the recipe's text_cfg a vocab_size of "
                    + $"{recipe.Network.Text.VocabSize}. Change one of them."
            );
        IReadOnlyList<PhotoEntry> photos = captions.Split(data, "train");
        _photos = new PhotoSamples(data, photos, recipe.Training.Seed);
        _samples = new ClipSamples(recipe, captions, tokenizer);
        _samples.Number(photos.Select(p => p.Label));
        _validation = new ClipValidation(recipe, data, captions, _samples);
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _network = new ClipModel(recipe.Network);
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
    public TrainingBatch MakeBatch(long index) => _photos.Batch(index, _recipe.Training.Batch, _samples.Make);

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        Tensor tokens = batch["tokens"];
        Tensor positives = ContrastiveLoss.Positives(tokens, _recipe.EqualLabelsMatch ? batch["label"] : null);
        Tensor images = _network.EmbedImage(batch["image"]);
        Tensor texts = _network.EmbedText(tokens);
        Tensor loss = ContrastiveLoss.Of(images, texts, _network.LogitScale, positives);
        using var noGrad = no_grad();
        Tensor places = Retrieval.Places(matmul(images, texts.transpose(0, 1)), positives);
        return new StageLoss(
            loss,
            ("accuracy", places.eq(0).to(float32).mean()),
            ("scale", _network.LogitScale.to(float32).clamp_max(ContrastiveLoss.MaxLogScale).exp())
        );
    }

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var swapped = new WeightSwap(Parameters, weights);
        return new ValidationResult(_validation.Judge(_network, Compute.Device), Grid: null);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) =>
        [
            TrainedComponent.Create(ComponentNames.Clip, ClipConfig.Kind, _recipe.Network, weights) with
            {
                Folders = [(_tokenizer, "tokenizer")],
            },
        ];

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
    }

    private static void Check(ClipRecipe recipe)
    {
        if (recipe.MinArea is not (> 0 and <= 1))
            throw new InvalidDataException("recipe: min_area is above 0 and at most 1.");
        if (recipe.DegradedShare is not (>= 0 and <= 1))
            throw new InvalidDataException("recipe: degraded_share is in 0..1.");
        int scale = recipe.Degradation.Scale;
        if (recipe.DegradedSize < scale || recipe.DegradedSize % scale != 0)
            throw new InvalidDataException($"recipe: degraded_size must be a multiple of {scale}.");
    }
}
