using Coser.Engine;
using Coser.Training.Adversarial;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class AdversaryTests
{
    private static readonly AdversarySettings Settings = new()
    {
        Widths = [8, 16],
        Weight = 0.5,
        Start = 10,
        Ramp = 20,
    };

    [Fact]
    public void The_inner_layers_of_the_discriminator_have_a_gain_of_one_and_the_outer_ones_have_not()
    {
        manual_seed(3);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new PatchDiscriminator([6, 10]);
        Tensor input = Draw.Uniform(1, 2, 3, 32, 32);
        Tensor before = network.call(input);
        // Growing a weight changes nothing: it is divided out again.
        network.named_parameters().First(p => p.name == "layers.1.conv.weight").parameter.mul_(7);
        Assert.True(before.allclose(network.call(input), rtol: 1e-4, atol: 1e-5));
        network.named_parameters().First(p => p.name == "layers.1.conv.bias").parameter.add_(1);
        Assert.False(before.allclose(network.call(input), rtol: 1e-4, atol: 1e-5));
        Assert.Equal([2, 1, 15, 15], before.shape);
        Tensor shifted = network.call(input);
        foreach (string outer in new[] { "layers.0.conv.weight", "layers.2.conv.weight" })
        {
            network.named_parameters().First(p => p.name == outer).parameter.mul_(7);
            Assert.False(shifted.allclose(network.call(input), rtol: 1e-4, atol: 1e-5));
            network.named_parameters().First(p => p.name == outer).parameter.div_(7);
        }
    }

    [Fact]
    public void The_painter_pays_from_the_start_on_and_more_with_every_step_of_the_ramp()
    {
        manual_seed(4);
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Settings, new Compute(CPU, float32));
        Tensor painted = Draw.Uniform(2, 1, 3, 32, 32).requires_grad_(true);
        Assert.False(adversary.Plays(9));
        Assert.True(adversary.Plays(10));
        float[] paid = [.. new long[] { 10, 20, 30, 99 }.Select(s => adversary.PainterLoss(painted, s).item<float>())];
        Assert.Equal(0, paid[0]);
        Assert.Equal(paid[2] / 2, paid[1], 1e-6f);
        Assert.Equal(paid[2], paid[3]);
        adversary.PainterLoss(painted, 99).backward();
        Assert.True(painted.grad!.abs().sum().item<float>() > 0);
        Assert.All(adversary.Parameters, p => Assert.Null(p.Parameter.grad));
    }

    [Fact]
    public void The_discriminator_learns_to_tell_noise_from_flat_pictures_and_leaves_the_painter_alone()
    {
        manual_seed(5);
        using var scope = NewDisposeScope();
        using var adversary = new Adversary(Settings, new Compute(CPU, float32));
        using var optimiser = new Coser.Training.Optimisation.AdamW(adversary.Parameters, 0.5, 0.9, weightDecay: 0);
        Tensor flat = full([4, 3, 32, 32], 0.5f).requires_grad_(true);
        float first = 0;
        float last = 0;
        for (int i = 0; i < 60; i++)
        {
            using var inner = NewDisposeScope();
            Tensor loss = adversary.Loss(flat, Draw.Uniform(3, 4, 3, 32, 32));
            loss.backward();
            optimiser.Update(2e-2);
            optimiser.ZeroGradients();
            last = loss.item<float>();
            first = i == 0 ? last : first;
        }
        Assert.Null(flat.grad);
        Assert.True(last < 0.5 * first, $"{first} -> {last}");
    }
}
