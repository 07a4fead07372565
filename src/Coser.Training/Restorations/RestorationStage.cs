using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Networks.Clip;
using Coser.Networks.Unet;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Objectives;
using Coser.Training.Runs;
using Coser.Training.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Restorations;

/// <summary>
/// Stage 2 (section 3.3 of the paper): control encoder and All-in-Attention learn to restore with the LR photo, the cognitive
/// embedding and a reference image in view.
/// </summary>
public sealed class RestorationStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "stage2";

    private const string Alone = "alone"; // there without the cognitive embedding
    private const string Painting = "painting"; // there without LR photo and reference
    private readonly RestorationRecipe _recipe;
    private readonly CaptionIndex? _captions;
    private readonly ReferenceIndex? _references;
    private readonly ClipTokenizer? _tokenizer; // null: all texts are empty
    private readonly FrozenNetworks _frozen;
    private readonly ConditionSource _source;
    private readonly PhotoSamples _photos;
    private readonly DiffusionObjective _objective;
    private readonly RestorationNetworks _networks;
    private readonly IReadOnlyList<(string Name, Parameter Parameter)> _trained;
    private readonly RestorationValidation _validation;

    /// <param name="data">Photos with a "train" and a "validation" split.</param>
    /// <exception cref="InvalidDataException">An input is missing, or the parts do not fit each other.</exception>
    /// <exception cref="CheckpointException">The model lacks a network or its tokenizer, or is damaged.</exception>
    public RestorationStage(RestorationRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_recipe, Compute) = (recipe, compute);
        var inputs = new StageInputs(data);
        _objective = new DiffusionObjective(recipe.Diffusion, recipe.Objective);
        _captions = recipe.Captions is null ? null : CaptionIndex.Open(inputs.PathOf(recipe.Captions));
        _references = recipe.References.Index is { } index ? ReferenceIndex.Open(inputs.PathOf(index), data) : null;
        LatentSet? latents = recipe.Latents is null ? null : LatentSet.Open(inputs.PathOf(recipe.Latents));
        using ModelDirectory model = ModelDirectory.Open(inputs.ModelOf(recipe.Model));
        _tokenizer = _captions is null ? model.OpenTokenizer() : StageInputs.TokenizerOf(model);
        _frozen = new FrozenNetworks(model, compute);
        Check(recipe, latents);
        _source = latents is null
            ? new FreshConditions(
                new ViewMaker(recipe.Size, recipe.Degradation),
                recipe.Size,
                recipe.Degradation.Scale,
                data,
                _frozen
            )
            : new CachedConditions(latents, inputs, data, _frozen);
        _photos = new PhotoSamples(data, _source.Photos("train"), recipe.Training.Seed);
        _networks = RestorationNetworks.Create(recipe, model, compute);
        StageInputs.CheckUnet(_networks.Unet.Config, _frozen);
        StageInputs.CheckUnet(_networks.Control.Config, _frozen);
        _trained = StageInputs.Choose(_networks.All, recipe.Trainable);
        StageInputs.Require(
            recipe.PaintShare == 0 || _trained.Any(p => IsPainting(p.Name)),
            "paint_share needs more of the UNet in trainable than the attention branches"
        );
        _validation = new RestorationValidation(recipe, _source, _frozen, _networks, _objective, First);
    }

    /// <inheritdoc/>
    public string Name => StageName;

    /// <inheritdoc/>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters => _trained;

    /// <inheritdoc/>
    public Compute Compute { get; }

    /// <summary>What the networks answer for a noisy latent.</summary>
    /// <param name="noisy">[B,C,h,w].</param>
    /// <param name="steps">[B], int64.</param>
    /// <param name="context">[B,T,C']: text, then the cognitive embedding.</param>
    /// <param name="lr">Latent of the LR photo.</param>
    /// <param name="reference">The reference's.</param>
    public static Tensor Predict(
        UnetModel unet,
        ControlEncoder control,
        Tensor noisy,
        Tensor steps,
        Tensor context,
        Tensor lr,
        Tensor reference
    )
    {
        // One pass for both: the encoder is the same.
        ControlFeatures both = control.Encode(
            cat([noisy, noisy]),
            cat([lr, reference]),
            cat([steps, steps]),
            cat([context, context])
        );
        Tensor[][] halves = [.. both.Maps.Select(m => m.chunk(2))];
        ControlMemory memory = unet.Remember(
            new ControlFeatures([.. halves.Select(h => h[0])]),
            new ControlFeatures([.. halves.Select(h => h[1])])
        );
        return unet.Predict(noisy, steps, context, memory);
    }

    /// <inheritdoc/>
    public TrainingBatch MakeBatch(long index)
    {
        // With or without the embedding, for a whole batch: contexts differ in length.
        using var draws = SeededDraws.ForSample(_recipe.Training.Seed, index, -1);
        bool embedded = draws.Random() >= _recipe.EmbeddingDrop;
        bool painting = draws.Random() < _recipe.PaintShare;
        return _photos.Batch(
            index,
            _recipe.Training.Batch,
            (entry, d) =>
            {
                Dictionary<string, Tensor> sample = MakeSample(entry, d, painting);
                if (!embedded)
                    sample[Alone] = ones(1);
                if (painting)
                    sample[Painting] = ones(1);
                return sample;
            }
        );
    }

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        Conditions conditions = _source.Resolve(batch);
        Tensor text = _frozen.Read(batch[LatentSamples.Tokens]);
        Tensor context = batch.Has(Alone) ? text : cat([text, conditions.Embedding], dim: 1);
        Tensor steps = batch[LatentSamples.Timestep];
        Tensor noisy = _objective.Noisy(conditions.Clean, batch[LatentSamples.Noise], steps);
        Tensor prediction = batch.Has(Painting)
            ? _networks.Unet.Predict(noisy, steps, context)
            : Predict(_networks.Unet, _networks.Control, noisy, steps, context, conditions.Lr, conditions.Reference);
        (Tensor loss, Tensor errors) = _objective.Compute(
            prediction,
            conditions.Clean,
            batch[LatentSamples.Noise],
            steps
        );
        return new StageLoss(loss, ("error", errors.mean()));
    }

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var swapped = new WeightSwap(Parameters, weights);
        return _validation.Judge(Compute);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) =>
        [
            TrainedComponent.Create(
                ComponentNames.Unet,
                UnetConfig.Kind,
                _networks.Unet.Config,
                StageInputs.WithBuffers(_networks.Unet, weights, "unet.")
            ),
            TrainedComponent.Create(
                ComponentNames.Control,
                ControlConfig.Kind,
                _networks.Control.Config,
                StageInputs.WithBuffers(_networks.Control, weights, "control.")
            ),
        ];

    /// <inheritdoc/>
    public void Dispose()
    {
        _networks?.Dispose();
        _source?.Dispose();
        _frozen?.Dispose();
    }

    private void Check(RestorationRecipe recipe, LatentSet? latents)
    {
        StageInputs.Require(
            _frozen.Understands,
            "the model lacks pre-SR, CLIP or cognitive adapter: stage 2 comes after stage 1"
        );
        StageInputs.Require(
            latents is null || latents.Manifest.Settings.Enlargement == _frozen.Enlargement,
            "the latents' degraded views were enlarged in another way than the model does it; make them with this model"
        );
        foreach (
            (string name, double share) in new[]
            {
                ("text_drop", recipe.TextDrop),
                ("embedding_drop", recipe.EmbeddingDrop),
                ("paint_share", recipe.PaintShare),
                ("references.drop", recipe.References.Drop),
                ("references.generated_share", recipe.References.GeneratedShare),
            }
        )
            StageInputs.Require(share is >= 0 and <= 1, $"{name} is in 0..1");
        if (recipe.References.GeneratedShare == 0)
            return;
        StageInputs.Require(
            latents is not null,
            "references.generated_share needs latents with the column 'reference'"
        );
        latents!.Require(LatentSet.Reference);
    }

    private static bool IsPainting(string name) =>
        name.StartsWith("unet.", StringComparison.Ordinal) && !UnetModel.IsAllInAttention(name);

    private Dictionary<string, Tensor> MakeSample(PhotoEntry entry, SeededDraws draws, bool painting)
    {
        Dictionary<string, Tensor> sample = _source.Draw(entry, painting ? null : ChooseReference(entry, draws), draws);
        string caption = "";
        if (draws.Random() >= _recipe.TextDrop && _captions?[entry.File] is { Count: > 0 } texts)
        {
            caption = draws.Choice(texts);
            if (ConditionSource.IsMirrored(sample))
                caption = CaptionMirror.Swap(caption);
        }
        return Finish(sample, caption, _objective.Draw(draws, evenly: painting), draws);
    }

    // Of validation photo i of n: everything fixed, timesteps spread.
    private (Dictionary<string, Tensor> Sample, Func<PhotoView> View) First(PhotoEntry entry, int i, int n)
    {
        using var draws = SeededDraws.ForSample(0x5EED, 0, i);
        string? reference =
            _recipe.References.GeneratedShare > 0 ? ""
            : _references?[entry.File] is { Count: > 0 } photos ? photos[0].File
            : null;
        (Dictionary<string, Tensor> sample, Func<PhotoView> view) = _source.First(entry, reference, draws);
        long place = i * 37L % n; // neighbours in the index look alike
        long timestep = (2 * place + 1) * _objective.Schedule.Count / (2 * n);
        return (Finish(sample, "", timestep, draws), view);
    }

    private Dictionary<string, Tensor> Finish(
        Dictionary<string, Tensor> sample,
        string text,
        long timestep,
        SeededDraws draws
    )
    {
        int reduction = _frozen.Latents.Reduction;
        Tensor picture = sample[LatentSet.Reference]; // a latent, or the picture of one
        long side = picture.shape[1] == 3 ? picture.shape[2] / reduction : picture.shape[2];
        sample[LatentSamples.Noise] = draws.RandN(1, _frozen.Latents.EmbedDim, side, side);
        sample[LatentSamples.Timestep] = tensor(new[] { timestep });
        ClipTextConfig clip = _frozen.Clip!.Text;
        sample[LatentSamples.Tokens] =
            _tokenizer?.Batch([text], clip.ContextLength)
            ?? tensor(ClipTokenizer.Empty(clip.ContextLength, clip.VocabSize)).unsqueeze(0);
        return sample;
    }

    // A file, empty for the generated one, null for none.
    private string? ChooseReference(PhotoEntry entry, SeededDraws draws)
    {
        if (draws.Random() < _recipe.References.Drop)
            return null;
        if (draws.Random() < _recipe.References.GeneratedShare)
            return "";
        return _references?[entry.File] is { Count: > 0 } photos ? draws.Choice(photos).File : null;
    }
}
