using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>A timestep as sines and cosines, then two layers.</summary>
internal sealed class TimeEmbedding : nn.Module
{
    private const double MaxPeriod = 10_000;

    [ComponentName(Name = "0")]
    private readonly Dense _hidden;

    [ComponentName(Name = "2")]
    private readonly Dense _out;

    private readonly int _waves;

    public TimeEmbedding(EncoderConfig config, Device? device)
        : base(nameof(TimeEmbedding))
    {
        _waves = config.ModelChannels;
        _hidden = new Dense(config.ModelChannels, config.EmbeddingWidth, device);
        _out = new Dense(config.EmbeddingWidth, config.EmbeddingWidth, device);
        RegisterComponents();
    }

    /// <param name="timesteps">[B], any number type.</param>
    /// <param name="type">Type of the weights.</param>
    /// <returns>[B,4C], already through the swish with which every residual block begins.</returns>
    public Tensor Run(Tensor timesteps, ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _hidden.call(Waves(timesteps, _waves).to(type));
        return Swish.Of(_out.call(Swish.Of(hidden))).MoveToOuterDisposeScope();
    }

    /// <summary>cos(t f) and sin(t f) for falling frequencies f (Vaswani et al., 2017; cosines first, as latent diffusion has it).</summary>
    /// <param name="timesteps">[B].</param>
    /// <param name="width">Number of values; an odd one ends with a 0.</param>
    /// <returns>[B,width], float32.</returns>
    public static Tensor Waves(Tensor timesteps, int width)
    {
        using var scope = NewDisposeScope();
        int half = width / 2;
        Tensor order = arange(half, dtype: float32, device: timesteps.device);
        Tensor frequencies = (order * -Math.Log(MaxPeriod) / half).exp();
        Tensor angles = timesteps.to(float32).unsqueeze(1) * frequencies; // [B,half]
        var parts = new List<Tensor> { angles.cos(), angles.sin() };
        if (width % 2 == 1)
            parts.Add(zeros(timesteps.shape[0], 1, device: timesteps.device));
        return cat(parts, dim: 1).MoveToOuterDisposeScope();
    }
}
