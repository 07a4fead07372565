using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics;

/// <summary>MATLAB's <c>conv2(x, h, 'same')</c> for kernels of even sides: zeros beyond the edges, the centre at the lower right
/// of the middle four.</summary>
internal static class MatlabConvolution
{
    /// <param name="planes">[B,1,H,W].</param>
    /// <param name="kernel">[1,1,k,k], k even, of the same type; turned by 180 degrees, as a convolution's is.</param>
    /// <returns>[B,1,H,W].</returns>
    public static Tensor Same(Tensor planes, Tensor kernel)
    {
        long half = kernel.shape[3] / 2;
        Tensor padded = nn.functional.pad(planes, [half - 1, half, half - 1, half]);
        return nn.functional.conv2d(padded, kernel.flip(2, 3));
    }
}
