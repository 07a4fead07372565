using System.Text.Json.Serialization;

namespace Coser.Training.Optimisation;

/// <summary>Shape of the learning rate after warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>The peak throughout.</summary>
    Constant,

    /// <summary>Half a cosine from the peak down to <see cref="LearningRate.Final"/>.</summary>
    Cosine,
}

/// <summary>Learning rate by step.</summary>
public sealed record LearningRate
{
    /// <summary>Highest value.</summary>
    public double Peak { get; init; } = 2e-4;

    /// <summary>Value at the last step of a cosine.</summary>
    [JsonPropertyName("final")]
    public double Final { get; init; } = 1e-6;

    /// <summary>Steps of linear rise from 0.</summary>
    public int WarmUp { get; init; } = 200;

    /// <summary>Shape after warm-up.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine;

    /// <summary>The rate of step <paramref name="step"/> (from 0) of <paramref name="steps"/>.</summary>
    public double At(long step, long steps)
    {
        if (step < WarmUp)
            return Peak * (step + 1) / WarmUp;
        if (Schedule == LearningRateSchedule.Constant)
            return Peak;
        double done = Math.Clamp((step - WarmUp) / (double)Math.Max(1, steps - WarmUp), 0, 1);
        return Final + (Peak - Final) * 0.5 * (1 + Math.Cos(Math.PI * done));
    }
}
