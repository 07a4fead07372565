using System.Text.Json;
using Coser.Checkpoints;
using Coser.Networks.Autoencoder;
using Coser.Training.Latents;
using Coser.Training.Runs;
using Coser.Training.Wrapping;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class WrappingStageTests : IDisposable
{
    private readonly SmallTraining _small = new();
    private readonly WrappingRecipe _recipe;

    public WrappingStageTests()
    {
        LatentSetWriter writer = _small.WriteLatents("latents");
        using LatentSet set = LatentSet.Open(_small.File("latents"));
        // As if sampled: the clean latents, a little off.
        writer.WritePart(
            LatentSet.Sampled,
            "model",
            records => new Dictionary<string, Tensor>(StringComparer.Ordinal)
            {
                [LatentSet.Sampled] = cat([.. records.Select(r => set.Read(LatentSet.Clean, r))]) * 0.9,
            },
            null,
            CancellationToken.None
        );
        _recipe = new WrappingRecipe
        {
            Model = _small.Model,
            Loss = new() { Gradient = 0.5 },
            Training = SmallTraining.Settings,
        };
    }

    public void Dispose() => _small.Dispose();

    [Fact]
    public void A_run_goes_on_exactly_where_it_was() =>
        _small.AssertResumes(() =>
            Stage(
                _recipe with
                {
                    Adversary = new()
                    {
                        Widths = [4],
                        Start = 1,
                        Ramp = 2,
                    },
                }
            )
        );

    [Fact]
    public void Learning_by_heart_lowers_the_loss() =>
        _small.AssertLearns(s => Stage(_recipe with { Training = s }), 100, 5e-3, 0.9);

    [Theory]
    [InlineData(true, "autoencoder")]
    [InlineData(false, "cfw")]
    public void The_exported_decoder_wraps_and_without_weight_is_what_it_was(bool shared, string role)
    {
        WrappingRecipe recipe = _recipe with { Shared = shared };
        _small.Train(() => Stage(recipe), "run", recipe.Training);
        using ModelDirectory before = ModelDirectory.Open(_small.Model);
        using KlAutoencoder plain = before.Load("autoencoder", NetworkKinds.Autoencoder, dtype: float32);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor z = Draw.Normal(1, 1, 4, 4, 4);
        Tensor expected = plain.Decode(z);
        using (WrappingStage stage = Stage(recipe))
        {
            Assert.All(stage.Parameters, p => Assert.StartsWith("decoder.fusion_layer_", p.Name));
            using var run = new TrainingRun(stage, recipe.Training, new RunFolder(_small.File("run")));
            ModelExport.Write(
                stage.Components(run.Weights),
                _small.File("out"),
                JsonSerializer.SerializeToElement(new { steps = 6 })
            );
        }
        using ModelDirectory after = ModelDirectory.Open(_small.File("out"));
        using KlAutoencoder wrapping = after.Load(role, NetworkKinds.Autoencoder, dtype: float32);
        Assert.True(wrapping.Fuses);
        Assert.True(wrapping.Decode(z).allclose(expected, 1e-2, 1e-2));
        using EncoderFeatures features = wrapping.EncodeFeatures(Draw.Uniform(2, 1, 3, 32, 32));
        Assert.False(wrapping.Decode(z, features, 1).allclose(expected, 1e-2, 1e-2));
    }

    [Fact]
    public void Latents_without_what_was_sampled_are_refused()
    {
        _small.WriteLatents("other");
        string message = Assert
            .Throws<InvalidDataException>(() => Stage(_recipe with { Latents = "other" }).Dispose())
            .Message;
        Assert.Contains("'sampled'", message);
    }

    private WrappingStage Stage(WrappingRecipe recipe) => new(recipe, _small.Data, SmallTraining.Compute);
}
