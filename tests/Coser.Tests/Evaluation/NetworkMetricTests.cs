using System.Text.Json;
using Coser.Checkpoints;
using Coser.Evaluation;
using Coser.Evaluation.Reports;
using Coser.Metrics.Catalogue;
using Coser.Metrics.Features;
using Coser.Networks.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Evaluation;

/// <summary>Metrics that judge by a model's networks, here small ones with random weights.</summary>
public sealed class NetworkMetricTests
{
    [Fact]
    public void A_models_feature_network_and_clip_judge()
    {
        using var set = new SmallSet(hrSide: 96);
        string model = Model(set.Folder);
        using MetricSet metrics = MetricSet.Open(new MetricSetOptions { Features = model, Clip = model });
        Assert.DoesNotContain(metrics.Absent, a => a.Title.Contains("feature", StringComparison.Ordinal));
        using var truth = new FolderMethod(set.Hr);
        using var nearest = new CountingMethod();
        using var painting = new PaintingMethod(Path.Combine(set.Hr, "image0.png"));
        EvaluationResult result = new EvaluationRun(set.Output, metrics).Run(
            "small pairs",
            set.Images,
            [truth, nearest, painting]
        );
        ILookup<string, EvaluationRow> rows = result.Rows.ToLookup(r => r.Method, StringComparer.Ordinal);
        Assert.All(rows["hr"], r => Assert.Equal(0, r.Values["distance"], 6));
        Assert.All(rows["hr"], r => Assert.Equal(1, r.Values["clip_score"], 5));
        Assert.All(rows["nearest"], r => Assert.True(r.Values["distance"] > 1e-3));
        IReadOnlyDictionary<string, double> frechet = result.SetFigures.Single(s => s.Info.Key == "frechet").Values;
        Assert.Equal(0, frechet["hr"], 1e-9);
        Assert.True(frechet["nearest"] > 1e-9, $"{frechet["nearest"]}");
        // Methods that have no image with a Gen-score in common have no win rate, either.
        Assert.Contains("| Gen-score | – | – |", new ResultTable(result).Markdown("m"), StringComparison.Ordinal);
        // Only who paints a reference has a Gen-score; the painted one is image0's own truth.
        Assert.All(rows["nearest"], r => Assert.DoesNotContain("gen_score", r.Values.Keys));
        Assert.Equal(1, rows["painting"].Single(r => r.Image == "image0").Values["gen_score"], 5);
        Assert.True(rows["painting"].Single(r => r.Image == "image1").Values["gen_score"] < 0.99999);
        // Three sets, the truth being one of them in two roles: features are kept by content.
        Assert.Equal(2, Directory.GetFiles(Path.Combine(set.Output, "features"), "frechet-*").Length);
        using var again = new PaintingMethod(Path.Combine(set.Hr, "image0.png"));
        EvaluationResult same = new EvaluationRun(set.Output, metrics).Run("small pairs", set.Images, [again]);
        Assert.Empty(again.Asked);
        Assert.All(same.Rows, r => Assert.Contains("gen_score", r.Values.Keys));
    }

    private static string Model(TemporaryFolder folder)
    {
        using var scope = NewDisposeScope();
        string path = Directory.CreateDirectory(folder.File("judge")).FullName;
        var features = new FeatureNetworkConfig
        {
            Widths = [4, 8],
            Blocks = [1, 1],
            Classes = ["a", "b"],
        };
        using var network = new FeatureNetwork(features);
        Add("evaluation", FeatureNetworkConfig.Kind, features, network);
        var clip = new ClipConfig
        {
            EmbedDim = 8,
            Vision = new ClipVisionConfig
            {
                Width = 16,
                Layers = 2,
                HeadWidth = 8,
                PatchSize = 16,
                ImageSize = 64,
            },
            Text = new ClipTextConfig
            {
                Width = 16,
                Heads = 2,
                Layers = 2,
                ContextLength = 8,
                VocabSize = 32,
            },
        };
        using var judge = new ClipModel(clip);
        Add("clip", ClipConfig.Kind, clip, judge);
        return path;

        void Add<TConfig>(string role, string kind, TConfig config, nn.Module module)
        {
            using (no_grad())
            {
                // Larger than training would start with, so that images differ.
                long seed = 1;
                foreach (Tensor weight in module.state_dict().Values)
                    weight.add_(Draw.Normal(seed++, weight.shape).mul(0.1));
            }
            SafetensorsWriter.Write(Path.Combine(path, role + ".safetensors"), module.state_dict());
            ModelManifestEditor.SetComponent(
                path,
                role,
                new ComponentManifest
                {
                    Kind = kind,
                    File = role + ".safetensors",
                    Config = JsonSerializer.SerializeToElement(config, CoserJson.Strict),
                },
                JsonSerializer.SerializeToElement("a test")
            );
        }
    }
}
