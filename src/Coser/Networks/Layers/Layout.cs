using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>How feature maps lie in memory.</summary>
internal static class Layout
{
    /// <summary>[B,C,H,W] with the channels innermost: oneDNN's convolutions take them as they lie, without copies of their own.</summary>
    public static Tensor ChannelsLast(Tensor x) => x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    /// <summary>
    /// That for networks with group normalisation, where it helps and does no harm: on a CPU, in bfloat16, with no gradient recorded.
    /// libtorch's normalisation of such maps takes the variance as a difference of means, which on surfaces without detail costs
    /// float32 the parity with PyTorch's usual layout (e2e's <c>zero_latent</c>: 0.017), and its gradient is slow.
    /// </summary>
    public static Tensor ForNormalised(Tensor x) =>
        x.device_type == DeviceType.CPU && x.dtype == bfloat16 && !is_grad_enabled() ? ChannelsLast(x) : x;
}
