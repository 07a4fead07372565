using Coser.Diffusion;
using Coser.Training.Degradation;
using Coser.Training.Objectives;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

public sealed class DiffusionObjectiveTests
{
    [Theory]
    [InlineData(PredictionKind.Epsilon)]
    [InlineData(PredictionKind.Velocity)]
    [InlineData(PredictionKind.Sample)]
    public void Min_snr_weighs_the_error_of_the_clean_latent_alike_whatever_is_predicted(PredictionKind kind)
    {
        using var scope = NewDisposeScope();
        var process = new DiffusionConfig { Prediction = kind };
        var objective = new DiffusionObjective(process, new ObjectiveSettings { MinSnr = 5 });
        Tensor clean = Draw.Normal(1, 3, 2, 4, 4);
        Tensor noise = Draw.Normal(2, 3, 2, 4, 4);
        Tensor steps = tensor(new long[] { 5, 300, 950 });
        (Tensor alpha, Tensor sigma) = objective.Schedule.At(steps, clean);
        Tensor guess = clean + 0.1 * Draw.Normal(3, 3, 2, 4, 4); // an estimate of the clean latent
        Tensor noisy = objective.Noisy(clean, noise, steps);
        Tensor prediction = kind switch
        {
            PredictionKind.Epsilon => (noisy - alpha * guess) / sigma,
            PredictionKind.Velocity => (alpha * noisy - guess) / sigma,
            _ => guess,
        };
        (Tensor loss, _) = objective.Compute(prediction, clean, noise, steps);
        Tensor weights = (alpha / sigma).square().flatten().clamp_max(5);
        float expected = ((guess - clean).square().mean([1, 2, 3]) * weights).mean().item<float>();
        Assert.Equal(expected, loss.item<float>(), expected * 1e-3);
    }

    [Fact]
    public void Timesteps_follow_the_focus()
    {
        using var draws = new SeededDraws(1);
        var objective = new DiffusionObjective(
            new DiffusionConfig(),
            new ObjectiveSettings { FocusBelow = 200, FocusShare = 0.75 }
        );
        long[] drawn = [.. Enumerable.Range(0, 4000).Select(_ => objective.Draw(draws))];
        Assert.InRange(drawn.Min(), 0, 5);
        Assert.InRange(drawn.Max(), 990, 999);
        Assert.InRange(drawn.Count(t => t < 200) / 4000.0, 0.77, 0.83); // 0.75 + 0.25 * 0.2
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        ObjectiveSettings[] wrong = [new() { FocusShare = 1.5 }, new() { FocusBelow = 1001 }, new() { MinSnr = 0 }];
        foreach (ObjectiveSettings settings in wrong)
            Assert.Throws<InvalidDataException>(() => new DiffusionObjective(new DiffusionConfig(), settings));
    }
}
