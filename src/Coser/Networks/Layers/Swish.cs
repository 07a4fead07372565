using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>x * sigmoid(x), called swish or SiLU.</summary>
internal static class Swish
{
    /// <summary>Of a tensor nobody else holds: in its own memory where no gradient is recorded.</summary>
    public static Tensor Of(Tensor own) =>
        is_grad_enabled() ? nn.functional.silu(own) : nn.functional.silu(own, inplace: true);
}
