using System.Text.Json.Serialization;

namespace Coser.Diffusion;

/// <summary>What a denoising network was trained to predict.</summary>
public enum PredictionKind
{
    /// <summary>The noise.</summary>
    Epsilon,

    /// <summary>The velocity, alpha * noise - sigma * clean (Salimans and Ho, ICLR 2022).</summary>
    Velocity,

    /// <summary>The clean latent.</summary>
    Sample,
}

/// <summary>The diffusion process of a model, under the reference implementation's names. The defaults are SD 2.1-base's.</summary>
public sealed record DiffusionConfig
{
    /// <summary>Steps of the process that the network was trained on.</summary>
    [JsonPropertyName("timesteps")]
    public int Timesteps { get; init; } = 1000;

    /// <summary>Variance of the first step's noise.</summary>
    [JsonPropertyName("linear_start")]
    public double LinearStart { get; init; } = 0.00085;

    /// <summary>Variance of the last step's noise; the roots in between are evenly spaced.</summary>
    [JsonPropertyName("linear_end")]
    public double LinearEnd { get; init; } = 0.012;

    /// <summary>What the network predicts.</summary>
    [JsonPropertyName("parameterization")]
    public PredictionKind Prediction { get; init; } = PredictionKind.Epsilon;
}
