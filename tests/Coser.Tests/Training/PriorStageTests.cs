using System.Text.Json;
using Coser.Checkpoints;
using Coser.Diffusion;
using Coser.Networks.Unet;
using Coser.Training.Latents;
using Coser.Training.Priors;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class PriorStageTests : IDisposable
{
    private readonly SmallTraining _small = new();
    private readonly PriorRecipe _recipe;

    public PriorStageTests()
    {
        _small.WriteLatents("latents");
        UnetConfig unet = _small.Manifest().Components["unet"].Config.Deserialize<UnetConfig>(CoserJson.Strict)!;
        _recipe = new PriorRecipe
        {
            Model = _small.Model,
            Network = unet with { AllInAttention = false },
            Diffusion = new DiffusionConfig { Prediction = PredictionKind.Velocity },
            Objective = new() { MinSnr = 5 },
            Samples = 2,
            SampleSteps = 2,
            Training = SmallTraining.Settings,
        };
    }

    public void Dispose() => _small.Dispose();

    [Fact]
    public void A_run_goes_on_exactly_where_it_was() => _small.AssertResumes(() => Stage(_recipe));

    [Fact]
    public void Learning_by_heart_lowers_the_loss() =>
        _small.AssertLearns(s => Stage(_recipe with { Training = s, Samples = 0 }), 150, 4e-3, 0.8);

    [Fact]
    public void Batches_have_either_kind_of_context()
    {
        using PriorStage stage = Stage(_recipe with { EmbeddingShare = 0.5, TextDrop = 0 });
        var kinds = new HashSet<bool>();
        for (int i = 0; i < 12; i++)
        {
            using TrainingBatch batch = stage.MakeBatch(i);
            using TrainingBatch again = stage.MakeBatch(i);
            Assert.True(batch["noise"].equal(again["noise"]).all().item<bool>());
            Assert.Equal([2, 4, 4, 4], batch["clean"].shape);
            Assert.Equal([2, 6], batch["tokens"].shape);
            Assert.InRange(batch["timestep"].max().item<long>(), 0, 999);
            bool embedded = batch.Has(LatentSet.Embedding);
            if (embedded)
                Assert.Equal([2, 4, 16], batch[LatentSet.Embedding].shape);
            Assert.True(float.IsFinite(stage.Loss(batch, 0).Total.item<float>()));
            kinds.Add(embedded);
        }
        Assert.Equal(2, kinds.Count);
    }

    [Fact]
    public void The_exported_model_paints()
    {
        _small.Train(() => Stage(_recipe), "run", _recipe.Training);
        Assert.True(File.Exists(_small.File("run/samples/000000003.png")));
        Assert.InRange(_small.Metric("run", "val_loss")[0], 0.1, 10);
        using (PriorStage stage = Stage(_recipe))
        {
            using var run = new TrainingRun(stage, _recipe.Training, new RunFolder(_small.File("run")));
            ModelExport.Write(
                stage.Components(run.Weights),
                _small.Model,
                JsonSerializer.SerializeToElement(new { steps = 6 })
            );
        }
        using ModelDirectory model = ModelDirectory.Open(_small.Model);
        using UnetModel unet = model.Load("unet", NetworkKinds.Unet, dtype: float32);
        Assert.False(unet.Config.AllInAttention);
        using var noGrad = no_grad();
        using Tensor painted = unet.Predict(Draw.Normal(1, 1, 4, 4, 4), tensor(new long[] { 500 }), zeros(1, 6, 16));
        Assert.True(painted.isfinite().all().item<bool>());
    }

    [Fact]
    public void What_is_missing_or_does_not_fit_is_said()
    {
        Assert.Contains("coser dataset latents", Refused(_recipe with { Latents = "none" }));
        Assert.Contains("coser dataset captions", Refused(_recipe with { Captions = "none.jsonl" }));
        Assert.Contains("in_channels", Refused(_recipe with { Network = _recipe.Network with { InChannels = 3 } }));
        Assert.Contains("context_dim", Refused(_recipe with { Network = _recipe.Network with { ContextDim = 8 } }));
        Assert.Contains("text_drop", Refused(_recipe with { TextDrop = 2 }));
        _small.WriteLatents("sharp", degraded: false);
        Assert.Contains("'embedding'", Refused(_recipe with { Latents = "sharp", EmbeddingShare = 0.5 }));

        string Refused(PriorRecipe recipe) =>
            Assert.Throws<InvalidDataException>(() => Stage(recipe).Dispose()).Message;
    }

    private PriorStage Stage(PriorRecipe recipe) => new(recipe, _small.Data, SmallTraining.Compute);
}
