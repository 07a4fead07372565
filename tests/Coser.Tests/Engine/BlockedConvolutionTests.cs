using Coser.Networks.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Engine;

/// <summary>oneDNN's own answers for these shapes are wrong on some processors (docs/speed.md).</summary>
public sealed class BlockedConvolutionTests
{
    [Theory]
    [InlineData(32, 3, 3, 1)]
    [InlineData(64, 4, 3, 1)]
    [InlineData(3, 48, 4, 2)]
    [InlineData(192, 1, 3, 1)]
    [InlineData(8, 8, 3, 1)]
    [InlineData(24, 24, 3, 1)]
    [InlineData(4, 8, 1, 1)]
    [InlineData(32, 32, 3, 2)]
    public void Pictures_and_gradients_are_those_of_float64_whatever_lies_in_the_heap(
        int inputs,
        int outputs,
        int kernel,
        int stride
    )
    {
        foreach (ScalarType type in new[] { float32, bfloat16 })
        {
            double tolerance = type == float32 ? 1e-5 : 0.01;
            for (int i = 0; i < 4; i++)
            {
                using var scope = NewDisposeScope();
                using var generator = new Generator((ulong)i, CPU);
                Tensor[] given =
                [
                    rand([2, inputs, 24, 24], generator: generator),
                    rand([outputs, inputs, kernel, kernel], generator: generator) - 0.3,
                    rand([outputs], generator: generator),
                ];
                Tensor[] rounded = [.. given.Select(t => t.to(type).detach().requires_grad_(true))];
                Tensor[] exact = [.. rounded.Select(t => t.detach().to(float64).requires_grad_(true))];
                SpoilHeap();
                Tensor quick;
                Tensor innermost;
                using (no_grad())
                {
                    quick = Convolved(rounded);
                    innermost = Convolved([ChannelsInnermost(rounded[0]), .. rounded[1..]]);
                }
                Tensor y = Convolved(rounded);
                Tensor wanted = Convolved(exact);
                SpoilHeap();
                y.sum().backward();
                wanted.sum().backward();
                Assert.InRange(Off(quick, wanted), 0, tolerance);
                Assert.InRange(Off(innermost, wanted), 0, tolerance);
                Assert.InRange(Off(y, wanted), 0, tolerance);
                foreach ((Tensor r, Tensor e) in rounded.Zip(exact))
                    Assert.InRange(Off(r.grad!, e.grad!), 0, tolerance);
            }
        }

        Tensor Convolved(Tensor[] x) =>
            BlockedConvolution.Apply(x[0], x[1], x[2], [stride, stride], [(kernel - 1) / 2, (kernel - 1) / 2]);
    }

    private static Tensor ChannelsInnermost(Tensor x) => x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    // Root mean square of the difference over the wanted values'; NaN where one is no number.
    private static double Off(Tensor actual, Tensor wanted) =>
        ((actual.detach().to(float64) - wanted.detach()).square().mean() / wanted.detach().square().mean())
            .sqrt()
            .item<double>();

    // What is freed is handed out again as it is.
    private static void SpoilHeap()
    {
        using var scope = NewDisposeScope();
        for (long numbers = 64; numbers <= 1 << 18; numbers *= 4)
        {
            for (int i = 0; i < 6; i++)
                full([numbers], float.NaN);
        }
    }
}
