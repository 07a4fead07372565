using System.Text.Json;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Networks.Clip;
using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Clip;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Runs;
using Coser.Training.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class ClipStageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ClipRecipe _recipe;

    public ClipStageTests()
    {
        SmallDataSet.Write(_folder.Path);
        string index = _folder.File("index.jsonl");
        string[] lines =
        [
            .. File.ReadAllLines(index)
                .Select((l, i) => l.Replace("\"label\":\"\"", i % 2 == 0 ? "\"label\":\"fog\"" : "\"label\":\"mist\"")),
        ];
        File.WriteAllLines(index, lines);
        using (var log = new CaptionLog(_folder.File("captions.jsonl")))
        {
            for (int i = 0; i < 6; i++)
                log.Append(new PhotoCaptions($"{i}.png", [$"fog on the left {i}", $"a photo of fog {i}", "fog"]));
        }
        int size = BpeTrainer.Train(
            CaptionIndex.Open(_folder.File("captions.jsonl")).All,
            520,
            _folder.File("tokenizer")
        );
        _recipe = new ClipRecipe
        {
            Network = new ClipConfig
            {
                EmbedDim = 8,
                Vision = new()
                {
                    ImageSize = 16,
                    PatchSize = 8,
                    Layers = 1,
                    Width = 16,
                    HeadWidth = 8,
                },
                Text = new()
                {
                    ContextLength = 12,
                    VocabSize = size,
                    Width = 16,
                    Heads = 2,
                    Layers = 2,
                },
            },
            DegradedShare = 0.5,
            DegradedSize = 32,
            Degradation = new DegradationSettings { Scale = 2 },
            MinPhotos = 1,
            Training = new TrainingSettings
            {
                Batch = 3,
                Steps = 8,
                LogEvery = 2,
                ValidateEvery = 4,
                Bf16 = false,
                LearningRate = new() { Peak = 2e-3, WarmUp = 2 },
            },
        };
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_goes_on_exactly_where_it_was()
    {
        string whole = Train("whole");
        string broken = Train("broken", stops: 3);
        foreach (string file in new[] { "average.safetensors", "optimiser.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(broken, file)));
        JsonElement line = JsonDocument.Parse(File.ReadAllLines(_folder.File("whole/metrics.jsonl"))[1]).RootElement;
        Assert.InRange(line.GetProperty("loss").GetDouble(), 0.5, 2); // about ln 3
        foreach (string name in new[] { "text_recall1", "image_recall5", "label_top1", "degraded_top5" })
            Assert.InRange(line.GetProperty("val_" + name).GetDouble(), 0, 1);
        Assert.InRange(line.GetProperty("val_margin").GetDouble(), -2, 2);
    }

    [Fact]
    public void Learning_by_heart_lowers_the_loss()
    {
        ClipRecipe recipe = _recipe with
        {
            DegradedShare = 0,
            MinArea = 1,
            Training = _recipe.Training with
            {
                Steps = 150,
                ValidateEvery = 150,
                LogEvery = 10,
                LearningRate = new() { Peak = 5e-3, WarmUp = 5 },
            },
        };
        using var stage = Stage(recipe);
        using var run = new TrainingRun(stage, recipe.Training, new RunFolder(_folder.File("heart")));
        run.Train(null, null, CancellationToken.None);
        double[] losses =
        [
            .. File.ReadAllLines(_folder.File("heart/metrics.jsonl"))
                .Select(l => JsonDocument.Parse(l).RootElement.GetProperty("loss").GetDouble()),
        ];
        Assert.True(losses.TakeLast(3).Average() < 0.8 * losses[0], string.Join(' ', losses));
    }

    [Fact]
    public void The_exported_model_has_towers_and_tokenizer_and_filters_captions()
    {
        string model = _folder.File("model");
        Directory.CreateDirectory(Path.Combine(model, "tokenizer"));
        File.WriteAllText(Path.Combine(model, "tokenizer", "vocab.json"), "an old one");
        Dictionary<string, Tensor> weights;
        using var scope = NewDisposeScope();
        using (ClipStage stage = Stage(_recipe))
        {
            using var run = new TrainingRun(stage, _recipe.Training, new RunFolder(_folder.File("run")));
            run.Train(null, null, CancellationToken.None);
            weights = run.Weights.ToDictionary(w => w.Key, w => w.Value.clone());
            ModelExport.Write(
                stage.Components(run.Weights),
                model,
                JsonSerializer.SerializeToElement(new { steps = 8 })
            );
        }
        Assert.False(File.Exists(Path.Combine(model, "tokenizer", "vocab.json")));
        using ModelDirectory directory = ModelDirectory.Open(model);
        Assert.Equal(ClipConfig.Kind, directory.Manifest.Components["clip"].Kind);
        Assert.Equal(_recipe.Network.Text.VocabSize, directory.OpenTokenizer()!.VocabularySize);
        using ClipModel loaded = directory.Load("clip", NetworkKinds.Clip, dtype: float32);
        Assert.True(loaded.get_parameter("text_projection")!.allclose(weights["text_projection"], 1e-2, 1e-3));

        string[] captions = ["fog", "a photo of fog 3", "an elephant"];
        string photo = _folder.File("photos/0.png");
        using var open = new ClipCaptionFilter(directory, minScore: -1);
        float[] scores = open.Scores(photo, captions);
        Assert.All(scores, s => Assert.InRange(s, -1, 1));
        Assert.Equal(captions, open.Keep(photo, captions));
        using var strict = new ClipCaptionFilter(directory, scores.Order().ElementAt(1));
        Assert.Equal(captions.Where((_, i) => scores[i] >= strict.MinScore), strict.Keep(photo, captions));
        Assert.Equal(2, strict.Keep(photo, captions).Count);
    }

    [Fact]
    public void A_sample_has_a_caption_of_its_photo_in_either_direction()
    {
        ClipTokenizer tokenizer = ClipTokenizer.Open(_folder.File("tokenizer"));
        using ClipStage stage = Stage(_recipe);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < 20; i++)
        {
            using TrainingBatch batch = stage.MakeBatch(i);
            Assert.Equal([3, 3, 16, 16], batch["image"].shape);
            Assert.Equal([3, 12], batch["tokens"].shape);
            long[] ids = batch["tokens"].data<long>().ToArray();
            for (int row = 0; row < 3; row++)
                seen.Add(tokenizer.Decode(ids[(12 * row)..(12 * row + 12)]));
            Assert.All(batch["label"].data<long>().ToArray(), l => Assert.InRange(l, 0, 1));
        }
        Assert.Contains("fog", seen);
        Assert.Contains(seen, c => c.Contains("left", StringComparison.Ordinal));
        Assert.Contains(seen, c => c.Contains("right", StringComparison.Ordinal));
        // Of training photos alone: 0 to 3.
        Assert.DoesNotContain(seen, c => c.EndsWith('4') || c.EndsWith('5'));
    }

    [Fact]
    public void What_is_missing_or_does_not_fit_is_said()
    {
        string Refused(ClipRecipe recipe) =>
            Assert.ThrowsAny<Exception>(() => Stage(recipe).Dispose()) is InvalidDataException e ? e.Message : "?";
        Assert.Contains("coser dataset captions", Refused(_recipe with { Captions = "none.jsonl" }));
        ClipConfig other = _recipe.Network with { Text = _recipe.Network.Text with { VocabSize = 600 } };
        Assert.Contains("vocab_size of 600", Refused(_recipe with { Network = other }));
        Assert.Contains("degraded_size", Refused(_recipe with { DegradedSize = 33 }));
        Assert.Contains("min_area", Refused(_recipe with { MinArea = 0 }));
        Assert.Throws<CheckpointException>(() => Stage(_recipe with { Tokenizer = "none" }));
    }

    private ClipStage Stage(ClipRecipe recipe) => new(recipe, PhotoIndex.Open(_folder.Path), new Compute(CPU, float32));

    // Trains to the end; before that, stops so many times, two steps after each start.
    private string Train(string name, int stops = 0)
    {
        var folder = new RunFolder(_folder.File(name));
        for (int i = 0; i <= stops; i++)
        {
            using ClipStage stage = Stage(_recipe);
            using var run = new TrainingRun(stage, _recipe.Training, folder);
            using var cancel = new CancellationTokenSource();
            long last = i < stops ? 2 * (i + 1) : _recipe.Training.Steps;
            run.Train(null, new StopAt(last, cancel), cancel.Token);
            Assert.Equal(last, run.Step);
        }
        return folder.Checkpoints()[^1];
    }
}
