using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>
/// Gives a stage's networks other weights until it is disposed: for judging averages without a second copy of everything
/// that is not trained.
/// </summary>
internal sealed class WeightSwap : IDisposable
{
    private readonly List<(Parameter Parameter, Tensor Own)> _kept = [];

    /// <param name="weights">A value for each of the parameters, converted to its type.</param>
    public WeightSwap(
        IEnumerable<(string Name, Parameter Parameter)> parameters,
        IReadOnlyDictionary<string, Tensor> weights
    )
    {
        using var noGrad = no_grad();
        foreach ((string name, Parameter parameter) in parameters)
        {
            _kept.Add((parameter, parameter.detach().clone().DetachFromDisposeScope()));
            parameter.copy_(weights[name]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using var noGrad = no_grad();
        foreach ((Parameter parameter, Tensor own) in _kept)
        {
            parameter.copy_(own);
            own.Dispose();
        }
        _kept.Clear();
    }
}
