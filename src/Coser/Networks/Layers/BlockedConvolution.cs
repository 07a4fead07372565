using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>
/// Convolutions that can be relied on. On some processors with AVX-512 oneDNN 3.7 reads beyond channels that do not fill its blocks of
/// 16: three outputs in bfloat16 come out 8 to 10% too small, and gradients of the input are NaN or another number each time
/// (docs/speed.md). Channels are therefore filled up with zeros here; it computes in whole blocks itself.
/// </summary>
public static class BlockedConvolution
{
    private const long Block = 16;
    private const long PhotoChannels = 4; // inputs that oneDNN takes as they are, and rightly

    /// <summary>The 2-D convolution.</summary>
    /// <param name="input">[B,in,H,W].</param>
    /// <param name="weight">[out,in,k,k] of the same type.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="stride">Down and across.</param>
    /// <param name="padding">Zeros at both ends, down and across.</param>
    /// <returns>[B,out,h,w].</returns>
    public static Tensor Apply(Tensor input, Tensor weight, Tensor? bias, long[] stride, long[] padding)
    {
        (long outputs, long inputs) = (weight.shape[0], weight.shape[1]);
        bool learns = input.requires_grad && is_grad_enabled();
        bool whole = input.device_type != DeviceType.CPU || !learns && IsChannelsLast(input);
        long moreIn = whole || !learns && inputs <= PhotoChannels ? 0 : Missing(inputs);
        long moreOut = whole ? 0 : Missing(outputs);
        if (moreIn + moreOut == 0)
            return nn.functional.conv2d(input, weight, bias, strides: stride, padding: padding);
        using var scope = NewDisposeScope();
        Tensor filled = moreIn == 0 ? input : nn.functional.pad(input, [0, 0, 0, 0, 0, moreIn]);
        Tensor kernels = nn.functional.pad(weight, [0, 0, 0, 0, 0, moreIn, 0, moreOut]);
        Tensor? offsets = bias is null || moreOut == 0 ? bias : nn.functional.pad(bias, [0, moreOut]);
        return nn
            .functional.conv2d(filled, kernels, offsets, strides: stride, padding: padding)
            .narrow(1, 0, outputs)
            .MoveToOuterDisposeScope();
    }

    /// <summary>True when the channels lie innermost; that way through oneDNN is right.</summary>
    public static bool IsChannelsLast(Tensor x) => x.shape[1] > 1 && x.stride()[1] == 1 && !x.is_contiguous();

    private static long Missing(long channels) => (Block - channels % Block) % Block;
}
