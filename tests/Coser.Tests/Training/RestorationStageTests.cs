using System.Text.Json;
using Coser.Checkpoints;
using Coser.Diffusion;
using Coser.Engine;
using Coser.Imaging;
using Coser.Networks.Unet;
using Coser.Restoration;
using Coser.Tests.Fixtures;
using Coser.Tests.Restoration;
using Coser.Training.Data;
using Coser.Training.Latents;
using Coser.Training.Objectives;
using Coser.Training.Restorations;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class RestorationStageTests : IDisposable
{
    private readonly SmallTraining _small = new();
    private readonly RestorationRecipe _recipe;

    public RestorationStageTests()
    {
        _small.WriteLatents("latents");
        File.WriteAllLines(
            _small.File("references.jsonl"),
            Enumerable
                .Range(0, 6)
                .Select(i => new PhotoReferences($"{i}.png", [new($"{(i + 1) % 4}.png", 0.5f)]).ToLine())
        );
        _recipe = new RestorationRecipe
        {
            Model = _small.Model,
            Diffusion = new DiffusionConfig { Prediction = PredictionKind.Velocity },
            Objective = new() { MinSnr = 5 },
            Latents = "latents",
            Captions = "captions.jsonl",
            References = new() { Index = "references.jsonl", Drop = 0.3 },
            Restored = 1,
            Sampling = new SamplingSettings(2, SamplerKind.Dpm, 1.5, 600),
            Training = SmallTraining.Settings,
        };
    }

    public void Dispose() => _small.Dispose();

    [Fact]
    public void A_run_goes_on_exactly_where_it_was()
    {
        _small.AssertResumes(() => Stage(_recipe));
        foreach (string name in new[] { "loss", "psnr", "sharpness" })
            Assert.All(_small.Metric("whole", "val_" + name), v => Assert.InRange(v, 0.01, 60));
    }

    [Fact]
    public void Learning_by_heart_lowers_the_loss() =>
        _small.AssertLearns(
            s => Stage(_recipe with { Training = s, Restored = 0, OpenControl = true, Trainable = ["."] }),
            120,
            4e-3,
            0.85
        );

    [Fact]
    public void By_default_the_new_branches_and_the_control_alone_are_trained()
    {
        using RestorationStage stage = Stage(_recipe);
        Assert.All(stage.Parameters, p => Assert.Matches("^control\\.|_lna", p.Name));
        using TrainingBatch batch = stage.MakeBatch(0);
        stage.Loss(batch, 0).Total.backward();
        Assert.Contains(stage.Parameters, p => p.Name.Contains("zero_conv_lna", StringComparison.Ordinal));
        using RestorationStage all = Stage(_recipe with { Trainable = ["^unet\\.", "^control\\."] });
        Assert.True(all.Parameters.Count() > stage.Parameters.Count());
    }

    [Fact]
    public void Batches_that_paint_teach_the_UNet_alone_at_all_timesteps()
    {
        RestorationRecipe recipe = _recipe with
        {
            PaintShare = 1,
            Trainable = ["."],
            Objective = new ObjectiveSettings { FocusBelow = 10, FocusShare = 1 },
        };
        using RestorationStage stage = Stage(recipe);
        long highest = 0;
        for (int i = 0; i < 8; i++)
        {
            using TrainingBatch batch = stage.MakeBatch(i);
            highest = Math.Max(highest, batch["timestep"].max().item<long>());
            if (i == 0)
                stage.Loss(batch, 0).Total.backward();
        }
        Assert.True(highest > 100);
        Assert.All(
            stage.Parameters,
            p =>
                Assert.Equal(
                    !p.Name.StartsWith("unet.", StringComparison.Ordinal)
                        || p.Name.Contains("_lna", StringComparison.Ordinal),
                    p.Parameter.grad is null
                )
        );
        InvalidDataException error = Assert.Throws<InvalidDataException>(() =>
            Stage(recipe with { Trainable = ["_lna", "^control"] })
        );
        Assert.Contains("paint_share", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("_lna|^control")]
    public void Recomputing_gives_the_same_gradients(string trainable)
    {
        Dictionary<string, Tensor?> kept = Gradients(_recipe);
        Dictionary<string, Tensor?> again = Gradients(_recipe with { Recompute = true });
        foreach ((string name, Tensor? gradient) in kept)
        {
            Assert.Equal(gradient is null, again[name] is null);
            if (gradient is not null)
                Assert.True(gradient.allclose(again[name]!, 1e-4, 1e-7), name); // sums come in another order
        }
        Assert.True(kept.Values.Count(g => g is not null) > 50);

        Dictionary<string, Tensor?> Gradients(RestorationRecipe recipe)
        {
            using RestorationStage stage = Stage(
                recipe with
                {
                    OpenControl = true,
                    Control = null,
                    Trainable = [trainable],
                }
            );
            using TrainingBatch batch = stage.MakeBatch(0);
            using var scope = NewDisposeScope();
            stage.Loss(batch, 0).Total.backward();
            return stage.Parameters.ToDictionary(p => p.Name, p => p.Parameter.grad?.clone().DetachFromDisposeScope());
        }
    }

    [Fact]
    public void Photos_may_come_straight_from_the_data_set()
    {
        RestorationRecipe fresh = _recipe with
        {
            Latents = null,
            Size = 32,
            Degradation = SmallTraining.Degradation,
            EmbeddingDrop = 0.5,
        };
        using RestorationStage stage = Stage(fresh);
        var contexts = new HashSet<bool>();
        for (int i = 0; i < 8; i++)
        {
            using TrainingBatch batch = stage.MakeBatch(i);
            Assert.Equal([2, 3, 32, 32], batch["sharp"].shape);
            Assert.True(float.IsFinite(stage.Loss(batch, 0).Total.item<float>()));
            contexts.Add(batch.Has("alone"));
        }
        Assert.Equal(2, contexts.Count);
        using ValidationResult result = stage.Validate(Weights(stage));
        Assert.InRange(result.Metrics["psnr"], 3, 60);
        Assert.NotNull(result.Grid);
    }

    [Fact]
    public void A_prior_without_attention_branches_gets_them_and_paints_as_before()
    {
        UnetConfig config = _small.Manifest().Components["unet"].Config.Deserialize<UnetConfig>(CoserJson.Strict)!;
        string folder = _small.File("prior");
        manual_seed(5);
        using var prior = new UnetModel(config with { AllInAttention = false });
        HashFill.Fill(
            prior,
            JsonSerializer.SerializeToElement(
                new
                {
                    seed = 3,
                    gain = 0.7,
                    overrides = Array.Empty<string>(),
                }
            ),
            ""
        );
        ModelExport.Write(
            [
                TrainedComponent.Create(
                    "unet",
                    UnetConfig.Kind,
                    prior.Config,
                    prior.state_dict().ToDictionary(p => p.Key, p => p.Value)
                ),
            ],
            folder,
            JsonSerializer.SerializeToElement(new { })
        );
        using ModelDirectory model = ModelDirectory.Open(folder);
        using RestorationNetworks networks = RestorationNetworks.Create(
            _recipe with
            {
                OpenControl = true,
            },
            model,
            SmallTraining.Compute
        );
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor z = Draw.Normal(1, 1, 4, 4, 4);
        Tensor t = tensor(new long[] { 400 });
        Tensor context = Draw.Normal(2, 1, 6, 16);
        Tensor painted = networks.Unet.Predict(z, t, context);
        // float16 lies between.
        Assert.True(painted.allclose(prior.Predict(z, t, context), 2e-2, 2e-2));
        // The control is awake, its branches still end in zeros.
        ControlFeatures seen = networks.Control.Encode(z, Draw.Normal(3, 1, 4, 4, 4), t, context);
        Assert.All(seen.Maps, m => Assert.True(m.abs().mean().item<float>() > 1e-3));
        Tensor restored = RestorationStage.Predict(
            networks.Unet,
            networks.Control,
            z,
            t,
            context,
            Draw.Normal(3, 1, 4, 4, 4),
            Draw.Normal(4, 1, 4, 4, 4)
        );
        Assert.True(restored.allclose(painted, 1e-4, 1e-4));
        const string block = "middle_block.1.transformer_blocks.0.";
        foreach (string branch in new[] { "attn3_lr_lna", "attn4_ref_lna" })
        {
            Tensor own = networks.Unet.get_parameter(block + "attn1.to_k.weight")!;
            Assert.True(networks.Unet.get_parameter($"{block}{branch}.to_k.weight")!.equal(own).all().item<bool>());
        }
        Tensor way = networks.Unet.get_parameter("input_blocks.1.0.in_layers.2.weight")!;
        Tensor copy = networks.Control.get_parameter("input_blocks.1.0.in_layers.2.weight")!;
        Assert.True(copy.equal(way).all().item<bool>());
    }

    [Fact]
    public void The_exported_model_restores_a_photo()
    {
        _small.Train(() => Stage(_recipe), "run", _recipe.Training);
        using (RestorationStage stage = Stage(_recipe))
        {
            using var run = new TrainingRun(stage, _recipe.Training, new RunFolder(_small.File("run")));
            ModelExport.Write(
                stage.Components(run.Weights),
                _small.Model,
                JsonSerializer.SerializeToElement(new { steps = 6 })
            );
        }
        using SuperResolver resolver = SmallCoser.Open(_small.Model);
        using Photo photo = SmallCoser.NewPhoto(16, 16);
        using RestoredPhoto restored = resolver.Restore(photo, new RestoreOptions { Preset = Preset.Fast });
        Assert.Equal((64, 64), (restored.Photo.Width, restored.Photo.Height));
    }

    [Fact]
    public void What_is_missing_or_does_not_fit_is_said()
    {
        Assert.Contains("trainable", Refused(_recipe with { Trainable = ["nothing_of_this_name"] }));
        Assert.Contains("trainable", Refused(_recipe with { Trainable = ["("] }));
        Assert.Contains("'reference'", Refused(_recipe with { References = new() { GeneratedShare = 0.5 } }));
        Assert.Contains("coser dataset references", Refused(_recipe with { References = new() { Index = "none" } }));
        _small.WriteLatents("sharp", degraded: false);
        Assert.Contains("'lr'", Refused(_recipe with { Latents = "sharp" }));

        string Refused(RestorationRecipe recipe) =>
            Assert.Throws<InvalidDataException>(() => Stage(recipe).Dispose()).Message;
    }

    private static Dictionary<string, Tensor> Weights(RestorationStage stage) =>
        stage.Parameters.ToDictionary(p => p.Name, p => p.Parameter.detach());

    private RestorationStage Stage(RestorationRecipe recipe) => new(recipe, _small.Data, SmallTraining.Compute);
}
