using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>New parameters. On the META device they have a shape and a type, no memory and no values.</summary>
internal static class Weights
{
    /// <summary>Normally distributed around 0.</summary>
    public static Parameter Normal(long[] shape, double std, Device? device) =>
        Make(shape, device, values => values.normal_(0, std));

    /// <summary>One value everywhere.</summary>
    public static Parameter Constant(long[] shape, double value, Device? device) =>
        Make(shape, device, values => values.fill_(value));

    /// <summary>
    /// Uniform in +-1/sqrt(fan-in), PyTorch's own start of linear layers and convolutions, weights and biases alike.
    /// </summary>
    public static Parameter Uniform(long[] shape, long fanIn, Device? device) =>
        Make(shape, device, values => values.uniform_(-1 / Math.Sqrt(fanIn), 1 / Math.Sqrt(fanIn)));

    /// <summary>A LayerNorm over the last dimension, weight 1 and bias 0.</summary>
    public static LayerNorm Norm(long width, double eps, Device? device) =>
        nn.LayerNorm(width, eps: eps, device: device);

    /// <summary>Copies all values of a module into one of the same shape.</summary>
    public static void Copy(nn.Module from, nn.Module to)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (((_, Tensor source), (_, Tensor target)) in from.state_dict().Zip(to.state_dict()))
            target.copy_(source);
    }

    // Modules outlive the scope in which somebody happens to build them.
    private static Parameter Make(long[] shape, Device? device, Func<Tensor, Tensor> fill)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope(); // filling makes a second object for the same tensor
        Tensor values = empty(shape, dtype: torch.float32, device: device ?? CPU);
        fill(values);
        var parameter = new Parameter(values);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
