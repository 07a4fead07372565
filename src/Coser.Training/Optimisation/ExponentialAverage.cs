using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Optimisation;

/// <summary>
/// Exponential moving average of weights. Early on the decay is (1 + n) / (10 + n) where that is smaller, so that the
/// initial weights are soon forgotten. With a decay of 0 the averages are the weights themselves and take no memory.
/// </summary>
public sealed class ExponentialAverage : IDisposable
{
    private readonly Dictionary<string, Tensor> _averages = new(StringComparer.Ordinal);

    /// <param name="weights">The float32 weights that are averaged; their present values are the start.</param>
    public ExponentialAverage(IEnumerable<KeyValuePair<string, Tensor>> weights, double decay)
    {
        Decay = decay;
        using var noGrad = no_grad();
        foreach ((string name, Tensor weight) in weights)
            _averages[name] = (decay > 0 ? weight.clone() : weight.alias()).DetachFromDisposeScope();
    }

    /// <summary>Final decay.</summary>
    public double Decay { get; }

    /// <summary>Updates so far.</summary>
    public long Updates { get; private set; }

    /// <summary>The averages by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Averages => _averages;

    /// <summary>Moves the averages towards the weights.</summary>
    public void Update(IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        double decay = Math.Min(Decay, (1.0 + Updates) / (10.0 + Updates));
        Updates++;
        if (Decay <= 0)
            return;
        using Scalar keep = decay.ToScalar();
        using Scalar towards = (1 - decay).ToScalar();
        using var noGrad = no_grad();
        foreach ((string name, Tensor weight) in weights)
            _averages[name].mul_(keep).add_(weight, towards);
    }

    /// <summary>Takes the averages of a checkpoint.</summary>
    public void Restore(Func<string, Tensor> read, long updates)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach ((string name, Tensor average) in _averages)
            average.copy_(read(name));
        Updates = updates;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor average in _averages.Values)
            average.Dispose();
    }
}
