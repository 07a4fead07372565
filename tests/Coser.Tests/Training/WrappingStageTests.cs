using System.Text.Json;
using Coser.Checkpoints;
using Coser.Networks.Autoencoder;
using Coser.Training.Degradation;
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
                    Jitter = 8,
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
        Assert.All(_small.Metric("run", "val_sharpness"), v => Assert.InRange(v, 0.001, 1000));
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
    public void Crops_lie_at_the_same_place_in_latent_photo_and_truth()
    {
        WrappingRecipe recipe = _recipe with
        {
            Patch = 16,
            OtherPatches = [32],
            CleanShare = 1,
            Training = _recipe.Training with { Batch = 4 },
        };
        using WrappingStage stage = Stage(recipe);
        using LatentSet set = LatentSet.Open(_small.File("latents"));
        using var scope = NewDisposeScope();
        var sizes = new HashSet<(long, long)>();
        for (int i = 0; i < 8; i++)
        {
            using TrainingBatch batch = stage.MakeBatch(i);
            (Tensor sharp, Tensor lr, Tensor latent) = (batch["sharp"], batch["lr"], batch["latent"]);
            sizes.Add((sharp.shape[0], sharp.shape[2]));
            Assert.Equal((sharp.shape[2] / 4, sharp.shape[2] / 8), (lr.shape[2], latent.shape[2]));
            // The LR photo is the sharp one, only worse.
            Tensor small = nn.functional.avg_pool2d(sharp, 4);
            Assert.True((small.mean([2, 3]) - lr.mean([2, 3])).abs().max().item<float>() < 0.15);
            // The latent is a piece of a view's.
            bool found = Enumerable
                .Range(0, (int)set.Count)
                .Any(r =>
                    Pieces(set.Read(LatentSet.Clean, r), (int)latent.shape[2])
                        .Any(p => p.equal(latent[..1]).all().item<bool>())
                );
            Assert.True(found);
        }
        Assert.Equal([(1L, 32L), (4L, 16L)], sizes.Order());
        Assert.Throws<InvalidDataException>(() => Stage(recipe with { Patch = 12 }).Dispose());
        Assert.Throws<InvalidDataException>(() => Stage(recipe with { OtherPatches = [64] }).Dispose());
        Assert.Throws<InvalidDataException>(() => Stage(recipe with { CleanShare = 2 }).Dispose());
        Assert.Throws<InvalidDataException>(() => Stage(recipe with { Jitter = 16 }).Dispose());

        static IEnumerable<Tensor> Pieces(Tensor latent, int side) =>
            from top in Enumerable.Range(0, (int)latent.shape[2] - side + 1)
            from left in Enumerable.Range(0, (int)latent.shape[3] - side + 1)
            select latent.narrow(2, top, side).narrow(3, left, side);
    }

    [Fact]
    public void Steps_without_features_leave_the_fusions_alone()
    {
        WrappingRecipe recipe = _recipe with { PlainShare = 1, Trainable = ["."], Shared = true };
        using WrappingStage stage = Stage(recipe);
        using TrainingBatch batch = stage.MakeBatch(0);
        using var scope = NewDisposeScope();
        stage.Loss(batch, 0).Total.backward();
        Assert.All(
            stage.Parameters.Where(p => p.Name.StartsWith("decoder.fusion_layer_", StringComparison.Ordinal)),
            p => Assert.True(p.Parameter.grad is null)
        );
        Assert.Contains(stage.Parameters, p => p.Parameter.grad is not null);
    }

    [Fact]
    public void Picture_and_truth_are_shifted_together_by_up_to_the_jitter()
    {
        const int jitter = 4;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using WrappingStage stage = Stage(_recipe with { Loss = new(), PlainShare = 1, Jitter = jitter });
        using ModelDirectory model = ModelDirectory.Open(_small.Model);
        using KlAutoencoder decoder = model.Load("autoencoder", NetworkKinds.Autoencoder, dtype: float32);
        using TrainingBatch drawn = stage.MakeBatch(0);
        Tensor latent = drawn["latent"][..1];
        // The truth is off by a ramp, so that the loss tells the place, and is wrong by more where the two do not fit.
        Tensor decoded = decoder.Decode(decoder.FromLatent(latent)) / 2 + 0.5;
        long side = decoded.shape[2];
        Tensor ramp = (arange(side) + 100 * arange(side).unsqueeze(1)).to(float32) / 1000;
        using TrainingBatch batch = TrainingBatch.Join([
            new Dictionary<string, Tensor>(StringComparer.Ordinal)
            {
                ["sharp"] = decoded + ramp,
                ["lr"] = drawn["lr"][..1],
                ["latent"] = latent,
            },
        ]);
        double middle = (side - jitter - 1) / 2.0;
        var places = new HashSet<(int Top, int Left)>();
        for (int step = 0; step < 12; step++)
        {
            double place = stage.Loss(batch, step).Total.item<float>() * 1000 - 101 * middle;
            int whole = (int)Math.Round(place);
            Assert.Equal(whole, place, 0.05);
            places.Add((whole / 100, whole % 100));
        }
        Assert.All(places, p => Assert.True(p is { Top: >= 0 and <= jitter, Left: >= 0 and <= jitter }));
        Assert.True(places.Count > 3);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_wrong_colour_is_judged_only_where_the_model_would_leave_it(bool corrected)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        string manifest = Path.Combine(_small.Model, "model.json");
        string text = File.ReadAllText(manifest);
        Assert.Contains("\"colour_fix\": \"ada_in\"", text, StringComparison.Ordinal);
        File.WriteAllText(manifest, text.Replace("\"ada_in\"", "\"wavelet\"", StringComparison.Ordinal));
        WrappingRecipe recipe = _recipe with { Trainable = ["."], CorrectColours = corrected };
        using WrappingStage stage = Stage(recipe);
        using TrainingBatch batch = stage.MakeBatch(0);
        double before = stage.Loss(batch, 0).Total.item<float>();
        stage
            .Parameters.Single(p => p.Name.EndsWith("decoder.conv_out.bias", StringComparison.Ordinal))
            .Parameter.add_(1);
        double change = Math.Abs(stage.Loss(batch, 0).Total.item<float>() - before);
        Assert.True(corrected ? change < 1e-4 : change > 0.1, $"{change}");
    }

    [Fact]
    public void Calm_views_are_the_same_pictures_with_less_contrast()
    {
        using var scope = NewDisposeScope();
        using WrappingStage stage = Stage(_recipe);
        using TrainingBatch batch = stage.MakeBatch(0);
        using var draws = SeededDraws.ForSample(1, 0, 0);
        (Tensor truth, Tensor lr) = CalmViews.Of(batch, "sharp", draws);
        Tensor mean = batch["sharp"].mean([2, 3], keepdim: true);
        Tensor factors = (truth - mean).abs().mean([1, 2, 3]) / (batch["sharp"] - mean).abs().mean([1, 2, 3]);
        Assert.All(factors.data<float>(), f => Assert.InRange(f, 0.019f, 0.71f));
        Tensor spread = factors.reshape(-1, 1, 1, 1);
        Assert.True(truth.allclose(mean + (batch["sharp"] - mean) * spread, 1e-3, 1e-4));
        Assert.True(lr.allclose(mean + (batch["lr"] - mean) * spread, 1e-3, 1e-4));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Calm_steps_are_judged_by_the_calm_truth(double plain)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        WrappingRecipe recipe = _recipe with
        {
            Trainable = ["."],
            PlainShare = plain,
            Loss = new() { L1 = 1 },
        };
        using WrappingStage usual = Stage(recipe);
        using WrappingStage calm = Stage(recipe with { CalmShare = 1 });
        using TrainingBatch batch = usual.MakeBatch(0);
        foreach (WrappingStage stage in new[] { usual, calm })
        {
            // A decoder that paints grey whatever it sees: its loss is the truth's own contrast about grey.
            stage.Parameters.Single(p => p.Name == "decoder.conv_out.weight").Parameter.zero_();
            stage.Parameters.Single(p => p.Name == "decoder.conv_out.bias").Parameter.zero_();
        }
        double grey = (batch["sharp"] - 0.5).abs().mean().item<float>();
        Assert.Equal(grey, usual.Loss(batch, 0).Total.item<float>(), 1e-2);
        double[] losses = [.. Enumerable.Range(0, 4).Select(i => (double)calm.Loss(batch, i).Total.item<float>())];
        Assert.All(losses, l => Assert.True(l < grey - 0.005, $"{l} of {grey}"));
        Assert.Throws<InvalidDataException>(() => Stage(recipe with { CalmShare = 1.5 }).Dispose());
    }

    [Fact]
    public void Features_are_as_noisy_as_the_model_says()
    {
        using var scope = NewDisposeScope();
        using (WrappingStage plain = Stage(_recipe))
        using (TrainingBatch batch = plain.MakeBatch(0))
            Assert.False(batch.Has("grain"));
        string manifest = Path.Combine(_small.Model, "model.json");
        string text = File.ReadAllText(manifest);
        Assert.Contains("\"feature_noise\": 0", text, StringComparison.Ordinal);
        File.WriteAllText(
            manifest,
            text.Replace("\"feature_noise\": 0", "\"feature_noise\": 0.2", StringComparison.Ordinal)
        );
        using WrappingStage stage = Stage(_recipe);
        using TrainingBatch noisy = stage.MakeBatch(0);
        using TrainingBatch again = stage.MakeBatch(0);
        Assert.Equal(noisy["sharp"].shape, noisy["grain"].shape);
        Assert.InRange(noisy["grain"].std().item<float>(), 0.19, 0.21);
        Assert.True(noisy["grain"].equal(again["grain"]).all().item<bool>());
        // It reaches the decoder through the features alone.
        using var without = new TrainingBatch(
            new[] { "sharp", "lr", "latent" }.ToDictionary(n => n, n => noisy[n].clone())
        );
        Assert.NotEqual(Loss(noisy), Loss(without));
        _small.AssertResumes(() => Stage(_recipe));

        float Loss(TrainingBatch batch) => stage.Loss(batch, 0).Total.item<float>();
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
