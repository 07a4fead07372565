using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Runs;
using Coser.Training.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Cognitive;

/// <summary>
/// Stage 1 (section 3.1 of the paper, Eq. 1 and 2): the cognitive adapter learns to say of a degraded photo what CLIP's text
/// tower says of its caption; the pre-SR network learns with it, if it is to.
/// </summary>
public sealed class CognitionStage : ITrainingStage
{
    /// <summary>Name on the command line.</summary>
    public const string StageName = "stage1";

    private const string PreSrPrefix = "presr.";
    private const string AdapterPrefix = "adapter.";
    private readonly CognitionRecipe _recipe;
    private readonly PhotoIndex _index;
    private readonly CaptionIndex _captions;
    private readonly ClipTokenizer _tokenizer;
    private readonly PhotoSamples _photos;
    private readonly IReadOnlyList<PhotoEntry> _validation;
    private readonly ViewMaker _views;
    private readonly MsrResNetConfig _preSrConfig;
    private readonly ClipModel _clip;
    private readonly MsrResNet _preSr;
    private readonly CognitiveAdapter _adapter;

    /// <param name="data">Photos with a "train" and a "validation" split, with captions.</param>
    /// <exception cref="InvalidDataException">An input is missing, or the parts do not fit each other.</exception>
    /// <exception cref="CheckpointException">The model lacks a network or its tokenizer, or is damaged.</exception>
    public CognitionStage(CognitionRecipe recipe, PhotoIndex data, Compute compute)
    {
        (_recipe, _index, Compute) = (recipe, data, compute);
        var inputs = new StageInputs(data);
        _captions = CaptionIndex.Open(inputs.PathOf(recipe.Captions));
        _views = new ViewMaker(recipe.Size, recipe.Degradation);
        _photos = new PhotoSamples(data, LargeEnough(_captions.Split(data, "train")), recipe.Training.Seed);
        _validation = PhotoIndex.Evenly(LargeEnough(_captions.Split(data, "validation")), recipe.ValidationPhotos);
        using ModelDirectory model = ModelDirectory.Open(inputs.ModelOf(recipe.Model));
        _tokenizer = StageInputs.TokenizerOf(model);
        _clip = model.Load(ComponentNames.Clip, NetworkKinds.Clip, compute.Device, compute.DType);
        StageInputs.Freeze(_clip);
        Check(recipe, _clip.Config);
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        _adapter = new CognitiveAdapter(recipe.Adapter);
        StageInputs.Take(_adapter, model, ComponentNames.Adapter);
        using (MsrResNet built = model.Build(ComponentNames.PreSr, NetworkKinds.MsrResNet))
            _preSrConfig = built.Config;
        _preSr = new MsrResNet(_preSrConfig);
        StageInputs.Take(_preSr, model, ComponentNames.PreSr);
        _adapter.to(compute.Device, compute.DType);
        _preSr.to(compute.Device, compute.DType);
        if (recipe.PreSr == PreSrTraining.Frozen)
            StageInputs.Freeze(_preSr);
    }

    /// <inheritdoc/>
    public string Name => StageName;

    /// <inheritdoc/>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters =>
        (_recipe.PreSr == PreSrTraining.Frozen ? [] : StageInputs.Named(_preSr, PreSrPrefix)).Concat(
            StageInputs.Named(_adapter, AdapterPrefix)
        );

    /// <inheritdoc/>
    public Compute Compute { get; }

    /// <summary>Eq. 1: what the adapter says of LR photos against what the text tower says of their captions.</summary>
    /// <param name="lr">[B,3,h,w], [0,1].</param>
    /// <param name="tokens">[B,T], int64.</param>
    /// <returns>The loss, a scalar, and the pre-SR image [B,3,4h,4w].</returns>
    internal static (Tensor Loss, Tensor PreSr) CognitiveLoss(
        MsrResNet preSr,
        ClipModel clip,
        CognitiveAdapter adapter,
        Tensor lr,
        Tensor tokens
    )
    {
        Tensor picture = preSr.call(lr).to(float32);
        Tensor square = ClipPreprocessing.Stretch(picture, clip.Config).to(clip.Type);
        Tensor embedding = adapter.call(clip.ImageTokens(square)).to(float32);
        using var noGrad = no_grad();
        Tensor supervision = Supervision(clip, adapter, tokens);
        using var grad = enable_grad();
        return (CognitiveSupervision.Loss(embedding, supervision), picture);
    }

    /// <inheritdoc/>
    public TrainingBatch MakeBatch(long index) => _photos.Batch(index, _recipe.Training.Batch, MakeSample);

    /// <inheritdoc/>
    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        // Dropout draws from the global generator, which no checkpoint holds.
        manual_seed((long)_recipe.Training.Seed * 1_000_003 + stepsDone);
        _adapter.train();
        (Tensor cognition, Tensor picture) = CognitiveLoss(_preSr, _clip, _adapter, batch["lr"], batch["tokens"]);
        Tensor distance = nn.functional.l1_loss(picture, batch["hr"]);
        Tensor total =
            _recipe.PreSr == PreSrTraining.Supervised ? cognition + distance * _recipe.PreSrWeight : cognition;
        return new StageLoss(total, ("cognition", cognition.detach()), ("presr", distance.detach()));
    }

    /// <inheritdoc/>
    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var swapped = new WeightSwap(Parameters, weights);
        _adapter.eval();
        var said = new List<Tensor>();
        var wanted = new List<Tensor>();
        double distance = 0;
        foreach ((int i, PhotoEntry entry) in _validation.Index())
        {
            using var inner = NewDisposeScope();
            using var draws = SeededDraws.ForSample(0x5EED, 0, i);
            PhotoView view = _views.Middle(TrainingPhoto.Load(_index, entry), draws);
            Tensor picture = _preSr.call(view.Lr!.to(Compute.Device)).to(float32);
            distance += nn.functional.l1_loss(picture.cpu(), view.Sharp).item<float>() / _validation.Count;
            Tensor square = ClipPreprocessing.Stretch(picture, _clip.Config).to(_clip.Type);
            said.Add(_adapter.call(_clip.ImageTokens(square)).to(float32).MoveToOuterDisposeScope());
            Tensor tokens = Tokens(_captions[entry.File][0]).to(Compute.Device);
            wanted.Add(Supervision(_clip, _adapter, tokens).MoveToOuterDisposeScope());
        }
        Tensor embedding = cat(said).flatten(1);
        Tensor supervision = cat(wanted).flatten(1);
        Tensor error = (embedding - supervision).square().mean();
        Tensor spread = (supervision - supervision.mean([0], keepdim: true)).square().mean();
        // Of all photos' captions, is the own one the nearest?
        Tensor nearest = cdist(embedding, supervision).argsort(1).cpu();
        Tensor own = nearest.eq(arange(_validation.Count, dtype: int64).unsqueeze(1)).to(float32);
        return new ValidationResult(
            new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["cognition"] = error.item<float>(),
                ["explained"] = 1 - (error / spread).item<float>(),
                ["recall1"] = own.narrow(1, 0, 1).sum().item<float>() / _validation.Count,
                ["recall5"] = own.narrow(1, 0, Math.Min(5, _validation.Count)).sum().item<float>() / _validation.Count,
                ["presr_l1"] = distance,
            },
            Grid: null
        );
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights)
    {
        var components = new List<TrainedComponent>
        {
            TrainedComponent.Create(
                ComponentNames.Adapter,
                CognitiveAdapterConfig.Kind,
                _recipe.Adapter,
                StageInputs.WithBuffers(_adapter, weights, AdapterPrefix)
            ),
        };
        if (_recipe.PreSr != PreSrTraining.Frozen)
        {
            components.Add(
                TrainedComponent.Create(
                    ComponentNames.PreSr,
                    MsrResNetConfig.Kind,
                    _preSrConfig,
                    StageInputs.WithBuffers(_preSr, weights, PreSrPrefix)
                )
            );
        }
        return components;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _clip.Dispose();
        _preSr?.Dispose();
        _adapter?.Dispose();
    }

    private static Tensor Supervision(ClipModel clip, CognitiveAdapter adapter, Tensor tokens) =>
        CognitiveSupervision.Select(clip.TextTokens(tokens).to(float32), tokens, adapter.Config.Queries);

    private static void Check(CognitionRecipe recipe, ClipConfig clip)
    {
        StageInputs.Require(
            recipe.Adapter.HiddenSize == clip.Text.Width,
            $"hidden_size is {recipe.Adapter.HiddenSize}, but the model's CLIP has a text width of {clip.Text.Width}"
        );
        StageInputs.Require(
            recipe.Adapter.VisionWidth == clip.EmbedDim,
            $"vision_width is {recipe.Adapter.VisionWidth}, but the model's CLIP has image tokens of {clip.EmbedDim}"
        );
        StageInputs.Require(
            recipe.Size >= recipe.Degradation.Scale && recipe.Size % recipe.Degradation.Scale == 0,
            $"size must be a multiple of {recipe.Degradation.Scale}"
        );
    }

    private PhotoEntry[] LargeEnough(IReadOnlyList<PhotoEntry> photos)
    {
        PhotoEntry[] fitting =
        [
            .. photos.Where(e =>
            {
                using Imaging.Photo photo = _index.OpenPhoto(e);
                return _views.Fits(photo.Width, photo.Height);
            }),
        ];
        StageInputs.Require(fitting.Length > 0, $"no photo is as large as size, {_recipe.Size} pixels");
        return fitting;
    }

    private Dictionary<string, Tensor> MakeSample(Tensor photo, PhotoEntry entry, SeededDraws draws)
    {
        string caption = draws.Choice(_captions[entry.File]);
        PhotoView view = _views.Make(photo, draws);
        return new(StringComparer.Ordinal)
        {
            ["hr"] = view.Sharp,
            ["lr"] = view.Lr!,
            ["tokens"] = Tokens(view.Mirrored ? CaptionMirror.Swap(caption) : caption),
        };
    }

    private Tensor Tokens(string caption) => _tokenizer.Batch([caption], _clip.Config.Text.ContextLength);
}
