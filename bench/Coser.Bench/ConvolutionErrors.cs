using Coser.Networks.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Bench;

/// <summary>
/// How far oneDNN's convolutions and <see cref="BlockedConvolution"/> are from float64 on this machine: <c>convolutions</c>. The
/// heap is full of NaN meanwhile: what reads memory that is not its own shows it.
/// </summary>
internal static class ConvolutionErrors
{
    private const int Tries = 4;
    private static readonly ScalarType[] Types = [bfloat16, float32];

    private static readonly (int Batch, int Inputs, int Outputs, int Kernel, int Stride, int Side)[] Shapes =
    [
        (8, 32, 3, 3, 1, 128),
        (8, 64, 3, 3, 1, 64),
        (8, 128, 3, 3, 1, 64),
        (8, 192, 1, 3, 1, 14),
        (1, 320, 4, 3, 1, 32),
        (2, 8, 8, 3, 1, 32),
        (2, 24, 24, 3, 1, 32),
        (8, 3, 32, 3, 1, 128),
        (8, 3, 48, 4, 2, 120),
        (8, 32, 32, 3, 1, 64),
        (8, 48, 96, 4, 2, 60),
    ];

    public static int Run()
    {
        manual_seed(1);
        Console.WriteLine("| convolution | type | oneDNN | its input's gradient | blocked | its input's gradient |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach ((int b, int inputs, int outputs, int kernel, int stride, int side) in Shapes)
        {
            foreach (ScalarType type in Types)
            {
                using var scope = NewDisposeScope();
                Tensor x = rand(b, inputs, side, side).to(type);
                Tensor w = (rand(outputs, inputs, kernel, kernel) - 0.3).to(type);
                long[] strides = [stride, stride];
                long[] padding = [(kernel - 1) / 2, (kernel - 1) / 2];
                Tensor[] wanted = Answers(x.to(float64), w.to(float64), Plain);
                string[] cells = [.. Cells(x, w, Plain, wanted), .. Cells(x, w, Blocked, wanted)];
                Console.WriteLine(
                    $"| {b} x {inputs} -> {outputs}, {kernel} x {kernel}, stride {stride}, {side} pixels | {type} | {string.Join(" | ", cells)} |"
                );

                Tensor Plain(Tensor x, Tensor w) => nn.functional.conv2d(x, w, strides: strides, padding: padding);
                Tensor Blocked(Tensor x, Tensor w) => BlockedConvolution.Apply(x, w, null, strides, padding);
            }
        }
        return 0;
    }

    private static IEnumerable<string> Cells(Tensor x, Tensor w, Func<Tensor, Tensor, Tensor> convolve, Tensor[] wanted)
    {
        double[][] tries =
        [
            .. Enumerable.Range(0, Tries).Select(_ => Answers(x, w, convolve).Zip(wanted, Error).ToArray()),
        ];
        return Enumerable.Range(0, wanted.Length).Select(i => Cell([.. tries.Select(t => t[i])]));
    }

    // The picture without gradients, and the gradient of its sum.
    private static Tensor[] Answers(Tensor x, Tensor w, Func<Tensor, Tensor, Tensor> convolve)
    {
        Tensor input = x.detach().clone().requires_grad_(true);
        SpoilHeap();
        Tensor picture;
        using (no_grad())
            picture = convolve(x, w);
        Tensor learned = convolve(input, w);
        SpoilHeap();
        learned.sum().backward();
        return [picture, input.grad!];
    }

    private static double Error(Tensor actual, Tensor wanted) =>
        ((actual.to(float64) - wanted).square().mean() / wanted.square().mean()).sqrt().item<double>();

    private static string Cell(double[] errors)
    {
        double[] numbers = [.. errors.Where(double.IsFinite)];
        string worst = numbers.Length == 0 ? "" : $"{numbers.Max():0.0000%}";
        return numbers.Length == errors.Length
            ? worst
            : $"NaN in {errors.Length - numbers.Length} of {errors.Length} {worst}";
    }

    private static void SpoilHeap()
    {
        using var scope = NewDisposeScope();
        for (long numbers = 64; numbers <= 1 << 20; numbers *= 4)
        {
            for (int i = 0; i < 6; i++)
                full([numbers], float.NaN);
        }
    }
}
