using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>A linear layer over tokens whose weights are stored as a matrix [out,in] or as a 1x1 convolution [out,in,1,1].</summary>
internal sealed class TokenLinear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    /// <param name="silent">Weights and bias start at 0, else as PyTorch's do.</param>
    public TokenLinear(long inputs, long outputs, bool matrix, Device? device, bool silent = false)
        : base(nameof(TokenLinear))
    {
        long[] shape = matrix ? [outputs, inputs] : [outputs, inputs, 1, 1];
        _weight = silent ? Weights.Constant(shape, 0, device) : Weights.Uniform(shape, inputs, device);
        _bias = silent ? Weights.Constant([outputs], 0, device) : Weights.Uniform([outputs], inputs, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,inputs].</param>
    /// <returns>[B,T,outputs].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor weight = _weight.dim() == 2 ? _weight : _weight.flatten(1);
        return nn.functional.linear(input, weight, _bias).MoveToOuterDisposeScope();
    }
}
