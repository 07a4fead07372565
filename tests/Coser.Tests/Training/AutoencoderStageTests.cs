using System.Text.Json;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Networks.Autoencoder;
using Coser.Training.Adversarial;
using Coser.Training.Autoencoding;
using Coser.Training.Data;
using Coser.Training.Losses;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class AutoencoderStageTests : IDisposable
{
    private static readonly AutoencoderRecipe Recipe = new()
    {
        Network = new AutoencoderConfig
        {
            EmbedDim = 3,
            ZChannels = 3,
            Channels = 8,
            ChannelMultipliers = [1, 2],
            ResBlocks = 1,
            NormGroups = 2,
            MidAttention = false,
        },
        Patch = 16,
        Loss = new ImageLossSettings { L1 = 1, Gradient = 0.5 },
        Equivariance = 0.5,
        Adversary = new AdversarySettings
        {
            Widths = [4, 8],
            Start = 2,
            Ramp = 2,
        },
        ValidationPhotos = 2,
        StatisticsPhotos = 3,
        Training = new TrainingSettings
        {
            Batch = 2,
            Steps = 8,
            LogEvery = 2,
            ValidateEvery = 4,
            Bf16 = false,
            LearningRate = new() { Peak = 2e-3, WarmUp = 2 },
        },
    };

    private readonly TemporaryFolder _folder = new();

    public AutoencoderStageTests() => SmallDataSet.Write(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_with_an_adversary_goes_on_exactly_where_it_was()
    {
        string whole = Train("whole");
        string broken = Train("broken", stops: 3);
        foreach (string file in new[] { "average.safetensors", "optimiser.safetensors", "adversary.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(broken, file)));
        JsonElement[] lines =
        [
            .. File.ReadAllLines(_folder.File("whole/metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement),
        ];
        Assert.False(lines[0].TryGetProperty("loss_adversary", out _));
        Assert.InRange(lines[1].GetProperty("loss_adversary").GetDouble(), 0.1, 3);
        Assert.All(lines, l => Assert.True(l.TryGetProperty("loss_gradient", out _)));
        Assert.True(lines[1].GetProperty("val_psnr").GetDouble() > 5);
    }

    [Fact]
    public void The_exported_latents_have_mean_0_and_deviation_1()
    {
        string model = _folder.File("model");
        using (AutoencoderStage stage = Stage())
        {
            using var run = new TrainingRun(stage, Recipe.Training, new RunFolder(_folder.File("run")));
            run.Train(null, null, CancellationToken.None);
            var provenance = JsonSerializer.SerializeToElement(new { steps = 8 });
            ModelExport.Write(stage.Components(run.Weights), model, provenance);
        }
        using ModelDirectory directory = ModelDirectory.Open(model);
        ComponentManifest component = directory.Manifest.Components["autoencoder"];
        using var network = new KlAutoencoder(component.Config.Deserialize<AutoencoderConfig>(CoserJson.Strict)!);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(model, component.File));
        WeightLoader.Fill(network, file, component.File);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        PhotoIndex data = PhotoIndex.Open(_folder.Path);
        Tensor latents = cat([
            .. data.Evenly("train", Recipe.StatisticsPhotos)
                .Select(p => TrainingPhoto.LoadForDegradation(data.PathOf(p), 2))
                .Select(p => network.ToLatent(network.Encode(p * 2 - 1).Mode())),
        ]);
        Tensor channels = latents.transpose(0, 1).flatten(1);
        Assert.True(channels.mean([1]).abs().max().item<float>() < 0.02);
        Assert.True((channels.std(1) - 1).abs().max().item<float>() < 0.02);
        Tensor back = network.ToLatent(network.FromLatent(latents));
        Assert.True(back.allclose(latents, rtol: 1e-4, atol: 1e-5));
    }

    [Fact]
    public void Batches_of_other_sides_have_as_many_pixels()
    {
        using var stage = new AutoencoderStage(
            Recipe with
            {
                OtherPatches = [32, 96],
                Training = Recipe.Training with { Batch = 8 },
            },
            PhotoIndex.Open(_folder.Path),
            new Compute(CPU, float32)
        );
        var seen = new Dictionary<long, long>();
        for (int i = 0; i < 24; i++)
        {
            using TrainingBatch batch = stage.MakeBatch(i);
            seen[batch["photo"].shape[2]] = batch["photo"].shape[0];
            Assert.Equal(batch["photo"].shape[2], batch["photo"].shape[3]);
            Assert.True(float.IsFinite(stage.Loss(batch, i).Total.item<float>()));
        }
        // The photos have 64 pixels: their mirror image goes on to 96.
        Assert.Equal(
            new Dictionary<long, long>
            {
                [16] = 8,
                [32] = 2,
                [96] = 1,
            }.OrderBy(p => p.Key),
            seen.OrderBy(p => p.Key)
        );
    }

    [Fact]
    public void Crops_that_do_not_fit_the_reduction_are_refused()
    {
        var refused = Assert.Throws<InvalidDataException>(() =>
            new AutoencoderStage(Recipe with { Patch = 18 }, PhotoIndex.Open(_folder.Path), new Compute(CPU, float32))
        );
        Assert.Contains("must be multiples of 4", refused.Message);
    }

    private AutoencoderStage Stage() => new(Recipe, PhotoIndex.Open(_folder.Path), new Compute(CPU, float32));

    // Trains to the end; before that, stops so many times, two steps after each start.
    private string Train(string name, int stops = 0)
    {
        var folder = new RunFolder(_folder.File(name));
        for (int i = 0; i <= stops; i++)
        {
            using AutoencoderStage stage = Stage();
            using var run = new TrainingRun(stage, Recipe.Training, folder);
            using var cancel = new CancellationTokenSource();
            long last = i < stops ? 2 * (i + 1) : Recipe.Training.Steps;
            run.Train(null, new StopAt(last, cancel), cancel.Token);
            Assert.Equal(last, run.Step);
        }
        return folder.Checkpoints()[^1];
    }
}
