using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>
/// A linear layer, y = x W^T + b, that can be born on the META device without its values ever being made.
/// <c>nn.Linear</c> fills its weights on the CPU before it moves them (400 ms for 8192 x 8192), unless the default device
/// is changed, which is changed for every thread of the process.
/// </summary>
internal sealed class Dense : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    /// <param name="std">Standard deviation of the initial weights, biases starting at 0; 0 is a branch that starts silent.
    /// </param>
    public Dense(long inputs, long outputs, double std, Device? device)
        : base(nameof(Dense))
    {
        _weight = Weights.Normal([outputs, inputs], std, device);
        _bias = Weights.Constant([outputs], 0, device);
        RegisterComponents();
    }

    /// <summary>With PyTorch's own start.</summary>
    public Dense(long inputs, long outputs, Device? device, bool bias = true)
        : base(nameof(Dense))
    {
        _weight = Weights.Uniform([outputs, inputs], inputs, device);
        _bias = bias ? Weights.Uniform([outputs], inputs, device) : null;
        RegisterComponents();
    }

    /// <param name="input">[..., inputs].</param>
    /// <returns>[..., outputs].</returns>
    public override Tensor forward(Tensor input) => nn.functional.linear(input, _weight, _bias);
}

/// <summary>A table of vectors by index, under the key <c>weight</c>.</summary>
internal sealed class VectorTable : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public VectorTable(long rows, long width, double std, Device? device)
        : base(nameof(VectorTable))
    {
        _weight = Weights.Normal([rows, width], std, device);
        RegisterComponents();
    }

    /// <param name="input">Indices [B,T], int64, each below the number of rows.</param>
    /// <returns>[B,T,width].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _weight
            .index_select(0, input.reshape(-1))
            .reshape([.. input.shape, _weight.shape[1]])
            .MoveToOuterDisposeScope();
    }
}
