using System.Text.Json;
using Coser.Checkpoints;
using Coser.Networks.Cognition;
using Coser.Training.Cognitive;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class CognitionStageTests : IDisposable
{
    private readonly SmallTraining _small = new();
    private readonly CognitionRecipe _recipe;

    public CognitionStageTests()
    {
        CognitiveAdapterConfig adapter = _small
            .Manifest()
            .Components["adapter"]
            .Config.Deserialize<CognitiveAdapterConfig>(CoserJson.Strict)!;
        _recipe = new CognitionRecipe
        {
            Model = _small.Model,
            Adapter = adapter with { Queries = 3 },
            Size = 32,
            Degradation = SmallTraining.Degradation,
            Training = SmallTraining.Settings,
        };
    }

    public void Dispose() => _small.Dispose();

    [Fact]
    public void A_run_goes_on_exactly_where_it_was()
    {
        Assert.True(_recipe.Adapter.HiddenDropout > 0);
        _small.AssertResumes(() => Stage(_recipe));
        foreach (string name in new[] { "recall1", "recall5" })
            Assert.All(_small.Metric("whole", "val_" + name), v => Assert.InRange(v, 0, 1));
        Assert.All(_small.Metric("whole", "val_explained"), v => Assert.InRange(v, -1000, 1));
    }

    [Fact]
    public void Learning_by_heart_lowers_the_loss() =>
        _small.AssertLearns(s => Stage(_recipe with { Training = s }), 100, 5e-3, 0.6);

    [Theory]
    [InlineData(PreSrTraining.Frozen)]
    [InlineData(PreSrTraining.Cognition)]
    [InlineData(PreSrTraining.Supervised)]
    public void The_pre_sr_learns_as_the_recipe_says(PreSrTraining kind)
    {
        using CognitionStage stage = Stage(_recipe with { PreSr = kind, PreSrWeight = 10 });
        using TrainingBatch batch = stage.MakeBatch(0);
        StageLoss loss = stage.Loss(batch, 0);
        loss.Total.backward();
        Dictionary<string, float> terms = loss.Terms.ToDictionary(t => t.Name, t => t.Value.item<float>());
        float expected = terms["cognition"] + (kind == PreSrTraining.Supervised ? 10 * terms["presr"] : 0);
        Assert.Equal(expected, loss.Total.item<float>(), 1e-4);
        bool trained = stage.Parameters.Any(p => p.Name == "presr.conv_first.weight");
        Assert.Equal(kind != PreSrTraining.Frozen, trained);
        Assert.All(
            stage.Parameters,
            p => Assert.True(p.Parameter.grad is { } g && g.isfinite().all().item<bool>(), p.Name)
        );
        string[] roles = [.. stage.Components(Weights(stage)).Select(c => c.Role)];
        Assert.Equal(trained ? ["adapter", "presr"] : ["adapter"], roles);
    }

    [Fact]
    public void The_exported_model_understands()
    {
        _small.Train(() => Stage(_recipe), "run", _recipe.Training);
        using (CognitionStage stage = Stage(_recipe))
        {
            using var run = new TrainingRun(stage, _recipe.Training, new RunFolder(_small.File("run")));
            ModelExport.Write(
                stage.Components(run.Weights),
                _small.Model,
                JsonSerializer.SerializeToElement(new { steps = 6 })
            );
        }
        using ModelDirectory model = ModelDirectory.Open(_small.Model);
        using CognitiveAdapter adapter = model.Load("adapter", NetworkKinds.Adapter, dtype: float32);
        using Tensor embedding = adapter.call(Draw.Normal(1, 1, 17, 16));
        Assert.Equal([1, 3, 16], embedding.shape);
    }

    [Fact]
    public void What_does_not_fit_is_said()
    {
        Assert.Contains("hidden_size", Refused(_recipe with { Adapter = _recipe.Adapter with { HiddenSize = 8 } }));
        Assert.Contains("vision_width", Refused(_recipe with { Adapter = _recipe.Adapter with { VisionWidth = 8 } }));
        Assert.Contains("size must", Refused(_recipe with { Size = 30 }));
        Assert.Contains("as large as", Refused(_recipe with { Size = 512 }));

        string Refused(CognitionRecipe recipe) =>
            Assert.Throws<InvalidDataException>(() => Stage(recipe).Dispose()).Message;
    }

    private static Dictionary<string, Tensor> Weights(CognitionStage stage) =>
        stage.Parameters.ToDictionary(p => p.Name, p => (Tensor)p.Parameter);

    private CognitionStage Stage(CognitionRecipe recipe) => new(recipe, _small.Data, SmallTraining.Compute);
}
