using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>
/// A 2-D convolution, weights [out,in,k,k], that can be born on the META device without its values ever being made (see
/// <see cref="Dense"/>).
/// </summary>
internal sealed class Conv : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    private readonly long[] _stride;
    private readonly long[] _padding;

    /// <summary>With PyTorch's own start.</summary>
    /// <param name="kernel">Side of the square kernel, odd: the output has the input's size over the stride.</param>
    /// <param name="padding">On every side; null: kernel / 2.</param>
    public Conv(
        long inputs,
        long outputs,
        long kernel,
        Device? device,
        long stride = 1,
        long? padding = null,
        bool bias = true
    )
        : base(nameof(Conv))
    {
        long fanIn = inputs * kernel * kernel;
        _stride = [stride, stride];
        _padding = [padding ?? kernel / 2, padding ?? kernel / 2];
        _weight = Weights.Uniform([outputs, inputs, kernel, kernel], fanIn, device);
        _bias = bias ? Weights.Uniform([outputs], fanIn, device) : null;
        RegisterComponents();
    }

    public ScalarType Type => _weight.dtype;

    /// <summary>The same with weights and bias 0: a branch that starts silent.</summary>
    public Conv Silent()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _weight.zero_();
        _bias?.zero_();
        return this;
    }

    /// <summary>The same, He-initialised, weights times <paramref name="scale"/>, bias 0.</summary>
    public Conv He(double scale = 1)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        nn.init.kaiming_normal_(_weight);
        _weight.mul_(scale);
        _bias?.zero_();
        return this;
    }

    /// <param name="input">[B,in,H,W] in the weights' type.</param>
    /// <returns>[B,out,H/stride,W/stride].</returns>
    public override Tensor forward(Tensor input) => BlockedConvolution.Apply(input, _weight, _bias, _stride, _padding);
}
