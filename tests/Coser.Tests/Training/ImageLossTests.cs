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
        // Gradients of noise have twice its variance, across and down: 0.2 here, so a picture of half the detail lacks 0.1; and at
        // half resolution a fourth of that.
        double half = Term(0.5 + 0.5 * (truth - 0.5));
        Assert.InRange(half, 0.14, 0.16);
        Assert.InRange(Term(other), 0, half / 4);
        Assert.Equal(0, Term(truth), 1e-6);
        Assert.InRange(Term(full_like(truth, 0.5)), 1.9 * half, 2.1 * half);

        double Term(Tensor picture) =>
            loss.Compute(picture, truth).Terms.Single(t => t.Name == "texture").Value.item<float>();
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
}
