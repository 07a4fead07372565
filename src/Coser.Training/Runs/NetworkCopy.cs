using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>Puts weights by name into networks.</summary>
internal static class NetworkCopy
{
    /// <summary>Copies a value into every parameter, converted to its type and device.</summary>
    /// <param name="weights">By <paramref name="prefix"/> + the parameter's name.</param>
    public static void CopyFrom(this nn.Module network, IReadOnlyDictionary<string, Tensor> weights, string prefix = "")
    {
        using var noGrad = no_grad();
        foreach ((string name, Tensor parameter) in network.named_parameters())
            parameter.copy_(weights[prefix + name]);
    }
}
