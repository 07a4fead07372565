using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Cli.Diagnostics;

/// <summary>How fast this machine does what the networks are made of, in about two seconds.</summary>
internal static class SpeedProbe
{
    private const int Side = 1024;
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(400);

    public static Finding Check(string name)
    {
        using var noGrad = no_grad();
        string[] parts =
        [
            $"matmul {Side}: {Matmul(ScalarType.Float32):0} GFLOP/s fp32, {Matmul(ScalarType.BFloat16):0} bf16",
            $"conv3x3 64ch 128x128: {Convolution(ScalarType.Float32):0} fp32, {Convolution(ScalarType.BFloat16):0} bf16",
        ];
        return new Finding(name, FindingState.Ok, string.Join("; ", parts));
    }

    private static double Matmul(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor a = ones([Side, Side], type);
        Tensor b = ones([Side, Side], type);
        return Measure(2.0 * Side * Side * Side, () => a.matmul(b));
    }

    private static double Convolution(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor x = ones([1, 64, 128, 128], type);
        Tensor w = ones([64, 64, 3, 3], type);
        return Measure(2.0 * 9 * 64 * 64 * 128 * 128, () => nn.functional.conv2d(x, w, padding: [1, 1]));
    }

    // The best of the repetitions: anything slower was disturbed.
    private static double Measure(double operations, Func<Tensor> work)
    {
        work().Dispose(); // the first call plans kernels
        double best = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        do
        {
            long begin = Stopwatch.GetTimestamp();
            work().Dispose();
            best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        } while (Stopwatch.GetElapsedTime(start) < Budget);
        return operations / best / 1e9;
    }
}
