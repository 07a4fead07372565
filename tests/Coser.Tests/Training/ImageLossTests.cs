using System.Text.Json;
using Coser.Metrics.Features;
using Coser.Training.Losses;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class ImageLossTests
{
    [Fact]
    public void Each_term_is_what_its_formula_says()
    {
        using var scope = NewDisposeScope();
        using var loss = new ImageLoss(new ImageLossSettings { L1 = 2, Gradient = 3 }, CPU, float32);
        Tensor truth = zeros(1, 1, 4, 4);
        Tensor picture = zeros(1, 1, 4, 4);
        picture[0, 0, 0, 0] = 0.8f; // two differences of 0.8; halved: one pixel of 0.2, two differences of 0.2
        (Tensor total, IReadOnlyList<(string Name, Tensor Value)> terms) = loss.Compute(picture, truth);
        double l1 = 0.8 / 16;
        double gradient = 2 * 0.8 / 12 + 2 * 0.2 / 2;
        Assert.Equal(["l1", "gradient"], terms.Select(t => t.Name));
        Assert.Equal(l1, terms[0].Value.item<float>(), 1e-6);
        Assert.Equal(gradient, terms[1].Value.item<float>(), 1e-6);
        Assert.Equal(2 * l1 + 3 * gradient, total.item<float>(), 1e-6);
    }

    [Fact]
    public void The_texture_term_asks_for_as_much_detail_as_the_truth_has_not_for_the_same()
    {
        using var scope = NewDisposeScope();
        using var loss = new ImageLoss(new ImageLossSettings { L1 = 0, Texture = 1 }, CPU, float32);
        using var generator = new Generator(7, CPU);
        Tensor truth = 0.5 + 0.1 * randn([1, 3, 64, 64], generator: generator);
        Tensor other = 0.5 + 0.1 * randn([1, 3, 64, 64], generator: generator);
        // Differences of noise have twice its variance at every lag: 0.14 here, so a picture of half the detail lacks 0.07; and half of
        // that at half resolution.
        double half = Term(0.5 + 0.5 * (truth - 0.5));
        Assert.InRange(half, 0.10, 0.112);
        Assert.InRange(Term(other), 0, half / 4);
        Assert.Equal(0, Term(truth), 1e-6);
        Assert.InRange(Term(full_like(truth, 0.5)), 1.9 * half, 2.1 * half);

        double Term(Tensor picture) => Texture(loss, picture, truth);
    }

    [Fact]
    public void The_texture_term_tells_a_hatching_from_grain()
    {
        using var scope = NewDisposeScope();
        using var loss = new ImageLoss(new ImageLossSettings { L1 = 0, Texture = 1 }, CPU, float32);
        using var generator = new Generator(7, CPU);
        Tensor grain = 0.1 * randn([1, 1, 64, 64], generator: generator);
        Tensor other = 0.1 * randn([1, 1, 64, 64], generator: generator);
        // As strong as the grain, lines across the diagonal, again after four pixels.
        Tensor place = arange(64, dtype: float32);
        Tensor hatching = 0.1 * Math.Sqrt(2) * ((place.unsqueeze(0) + place.unsqueeze(1)) * (Math.PI / 2)).sin();
        double strange = Term(hatching.reshape(1, 1, 64, 64));
        Assert.True(Term(other) < strange / 3, $"grain {Term(other)}, hatching {strange}");

        double Term(Tensor picture) => Texture(loss, picture, grain);
    }

    [Theory]
    [InlineData(false, 0.02, 0.06)]
    [InlineData(true, 0.8, 1.25)]
    public void A_relative_texture_term_counts_grain_on_smooth_surfaces_as_much_as_on_rough_ones(
        bool relative,
        double least,
        double most
    )
    {
        using var scope = NewDisposeScope();
        var settings = new ImageLossSettings
        {
            L1 = 0,
            Texture = 1,
            TextureRelative = relative,
        };
        using var loss = new ImageLoss(settings, CPU, float32);
        using var generator = new Generator(7, CPU);
        Tensor noise = randn([1, 3, 64, 64], generator: generator);
        // Twice the truth's grain, on one of 12 grey levels and on one 25 times as strong.
        double ratio = Twice(0.05) / Twice(1.25);
        Assert.InRange(ratio, least, most);
        // What nobody sees is no fault.
        if (relative)
            Assert.InRange(Texture(loss, 0.002 * noise, 0.001 * noise), 0, 0.1);

        double Twice(double strength) => Texture(loss, 2 * strength * noise, strength * noise);
    }

    [Theory]
    [InlineData(0.5, 0.5)]
    [InlineData(0.8, 0.8)]
    public void Where_texture_cannot_be_told_its_quantile_is_aimed_at(double quantile, double share)
    {
        using var scope = NewDisposeScope();
        var settings = new ImageLossSettings
        {
            L1 = 0,
            Texture = 1,
            TextureQuantile = quantile,
        };
        using var loss = new ImageLoss(settings, CPU, float32);
        using var generator = new Generator(7, CPU);
        Tensor noise = randn([1, 3, 64, 64], generator: generator);
        // Of ten truths the first has the least detail, the last the most; one picture has to serve them all.
        Tensor[] truths = [.. Enumerable.Range(1, 10).Select(i => 0.02 * i * noise)];
        int best = Enumerable.Range(1, 10).MinBy(i => truths.Sum(t => Texture(loss, 0.02 * (i + 0.02) * noise, t)));
        Assert.InRange(best / 10.0, share - 0.01, share + 0.11);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void A_quantile_that_is_none_is_refused(double quantile)
    {
        var error = Assert.Throws<InvalidDataException>(() =>
            new ImageLoss(new ImageLossSettings { TextureQuantile = quantile }, CPU, float32)
        );
        Assert.Contains("texture_quantile", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_perceptual_term_comes_from_a_model_and_its_gradients_reach_the_picture_alone()
    {
        using var folder = new TemporaryFolder();
        manual_seed(1);
        var config = new FeatureNetworkConfig
        {
            Widths = [4, 8],
            Blocks = [1, 1],
            Classes = ["cat", "dog"],
        };
        using (var network = new FeatureNetwork(config))
            ModelExport.Write(
                [TrainedComponent.Create("perceptual", FeatureNetworkFile.Kind, config, network.state_dict())],
                folder.Path,
                JsonSerializer.SerializeToElement(new { steps = 1 })
            );
        using var scope = NewDisposeScope();
        var settings = new ImageLossSettings
        {
            L1 = 0,
            Perceptual = 1,
            PerceptualModel = folder.Path,
        };
        using var loss = new ImageLoss(settings, CPU, float32);
        Tensor truth = Draw.Uniform(1, 2, 3, 16, 16);
        Tensor picture = Draw.Uniform(2, 2, 3, 16, 16).requires_grad_(true);
        Assert.Equal(0, loss.Compute(truth, truth).Total.item<float>(), 1e-6f);
        Tensor total = loss.Compute(picture, truth).Total;
        Assert.InRange(total.item<float>(), 1e-3f, 2);
        total.backward();
        Assert.True(picture.grad!.abs().sum().item<float>() > 0);
    }

    [Fact]
    public void A_perceptual_loss_without_a_model_is_refused()
    {
        var settings = new ImageLossSettings { Perceptual = 1 };
        var refused = Assert.Throws<InvalidDataException>(() => new ImageLoss(settings, CPU, float32));
        Assert.Contains("perceptual_model", refused.Message);
    }

    private static double Texture(ImageLoss loss, Tensor picture, Tensor truth) =>
        loss.Compute(picture, truth).Terms.Single(t => t.Name == "texture").Value.item<float>();
}
