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

    /// <summary>
    /// What a 3x3 convolution gives on pixels that are there four times each, for 4/9 of the multiplications: of the nine weights those
    /// that meet the same pixel are added up beforehand, which leaves one kernel of 2x2 for each place in a doubled pixel (the sub-pixel
    /// convolutions of Shi et al., CVPR 2016). The same numbers, but for rounding.
    /// </summary>
    /// <param name="input">[B,in,H,W] in the weights' type.</param>
    /// <returns>[B,out,2H,2W], with the channels innermost where the input has them so.</returns>
    public Tensor OnDoubled(Tensor input)
    {
        using var scope = NewDisposeScope();
        (long outputs, long inputs) = (_weight.shape[0], _weight.shape[1]);
        // [place,row of 2,row of 3]: at an even place the upper row meets the pixel above, the other two the pixel itself.
        Tensor sums = tensor([1f, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1], device: input.device).reshape(2, 2, 3);
        Tensor kernels = einsum("prk,qsl,oikl->pqoirs", sums, sums, _weight.to(float32))
            .reshape(4 * outputs, inputs, 2, 2)
            .to(Type);
        Tensor places = BlockedConvolution.Apply(input, kernels, _bias?.repeat(4), [1, 1], [1, 1]);
        (long height, long width) = (input.shape[2], input.shape[3]);
        Tensor result = BlockedConvolution.IsChannelsLast(input)
            ? places.new_empty(input.shape[0], 2 * height, 2 * width, outputs).permute(0, 3, 1, 2)
            : places.new_empty(input.shape[0], outputs, 2 * height, 2 * width);
        for (int down = 0; down < 2; down++)
        for (int across = 0; across < 2; across++)
            result
                .slice(2, down, 2 * height, 2)
                .slice(3, across, 2 * width, 2)
                .copy_(
                    places
                        .narrow(1, (2 * down + across) * outputs, outputs)
                        .narrow(2, down, height)
                        .narrow(3, across, width)
                );
        return result.MoveToOuterDisposeScope();
    }
}
