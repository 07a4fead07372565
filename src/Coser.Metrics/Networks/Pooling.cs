using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>Square windows of maps [B,C,H,W].</summary>
internal static class Pooling
{
    public static Tensor Max(Tensor x, long window, long stride, long padding = 0) =>
        nn.functional.max_pool2d(x, [window, window], [stride, stride], [padding, padding]);

    /// <summary>The mean of what of a window of 3x3 lies inside, at every place.</summary>
    public static Tensor Mean3(Tensor x) =>
        nn.functional.avg_pool2d(x, [3, 3], [1, 1], [1, 1], ceil_mode: false, count_include_pad: false);
}
