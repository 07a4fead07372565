using Coser.Training.Optimisation;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

public sealed class OptimisationTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.05)]
    public void AdamW_makes_the_updates_of_the_library_one(double weightDecay)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor start = Draw.Normal(1, 5, 4);
        var ours = new Parameter(start.clone());
        var theirs = new Parameter(start.clone());
        using var optimiser = new Coser.Training.Optimisation.AdamW([("w", ours)], 0.9, 0.99, weightDecay: weightDecay);
        using var reference = optim.AdamW([theirs], lr: 0.01, beta1: 0.9, beta2: 0.99, weight_decay: weightDecay);
        for (int step = 0; step < 5; step++)
        {
            Tensor input = Draw.Normal(2, 3, 5);
            optimiser.ZeroGradients();
            reference.zero_grad();
            input.mm(ours).square().sum().backward();
            input.mm(theirs).square().sum().backward();
            optimiser.Update(0.01);
            reference.step();
        }
        Assert.InRange((ours - theirs).abs().max().item<float>(), 0, 1e-6f);
        Assert.True((ours - start).abs().max().item<float>() > 0.01);
    }

    [Fact]
    public void Masters_keep_what_bfloat16_would_round_away()
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(ones(1).to(bfloat16));
        using var optimiser = new Coser.Training.Optimisation.AdamW([("w", weight)], weightDecay: 0);
        for (int step = 0; step < 10; step++)
        {
            optimiser.ZeroGradients();
            weight.sum().backward();
            optimiser.Update(2e-4); // each update is lost in a bfloat16 of 1
        }
        Assert.Equal(1 - 10 * 2e-4, optimiser.Masters.Single().Value.item<float>(), 1e-5);
        Assert.True(weight.to(float32).item<float>() < 1);
    }

    [Fact]
    public void The_average_follows_and_forgets_its_start()
    {
        using var scope = NewDisposeScope();
        Tensor weight = zeros(1);
        KeyValuePair<string, Tensor>[] weights = [KeyValuePair.Create("w", weight)];
        using var average = new ExponentialAverage(weights, 0.9);
        weight.fill_(1);
        for (int i = 0; i < 100; i++)
            average.Update(weights);
        Assert.Equal(1f, average.Averages["w"].item<float>(), 1e-3f);
    }

    [Fact]
    public void The_rate_warms_up_peaks_and_falls()
    {
        var rate = new LearningRate
        {
            Peak = 1,
            Final = 0.1,
            WarmUp = 10,
        };
        Assert.Equal(0.1, rate.At(0, 100), 9);
        Assert.Equal(1, rate.At(10, 100), 9);
        Assert.Equal(0.55, rate.At(55, 100), 9);
        Assert.Equal(0.1, rate.At(100, 100), 9);
        Assert.Equal(1, (rate with { Schedule = LearningRateSchedule.Constant }).At(99, 100), 9);
    }
}
