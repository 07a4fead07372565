using Coser.Training.Degradation;
using TorchSharp;

namespace Coser.Tests.Training;

public sealed class DrawTests
{
    [Fact]
    public void The_sequence_of_a_seed_is_fixed()
    {
        // xoshiro256** after SplitMix64 of 0; its first word, 0x99ec5f36cb75f2b4, seeds the tensors.
        using var draws = new SeededDraws(0);
        Assert.Equal(0.7477740925472398, draws.Random(), 15);
        Assert.Equal(0.10301998939503632, draws.Random(), 15);
    }

    [Fact]
    public void Ranges_are_respected_and_filled()
    {
        using var draws = new SeededDraws(3);
        var integers = new int[5];
        var choices = new int[3];
        (double low, double high) = (double.MaxValue, double.MinValue);
        const int count = 20_000;
        for (int i = 0; i < count; i++)
        {
            integers[draws.RandInt(-2, 2) + 2]++;
            choices[draws.Choices([0, 1, 2], [1, 0, 3])]++;
            double value = draws.Uniform(-3, 5);
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
        }
        Assert.All(integers, n => Assert.InRange(n, count / 5 - 300, count / 5 + 300));
        Assert.Equal(0, choices[1]);
        Assert.InRange(choices[0], count / 4 - 300, count / 4 + 300);
        Assert.InRange(low, -3, -2.99);
        Assert.InRange(high, 4.99, 5);
        using torch.Tensor quality = draws.JpegQuality(1000, 60, 95);
        Assert.All(quality.data<float>(), q => Assert.InRange(q, 60, 95));
    }

    [Fact]
    public void Kernels_sum_to_one_in_the_sizes_allowed()
    {
        var sizes = new HashSet<int>();
        BlurSettings settings = DegradationSettings.Reference.First.Blur;
        using var draws = new SeededDraws(5);
        for (int i = 0; i < 300; i++)
        {
            double[,] kernel = DegradationKernels.Blur(draws, settings);
            Assert.Equal((21, 21), (kernel.GetLength(0), kernel.GetLength(1)));
            Assert.Equal(1, kernel.Cast<double>().Sum(), 9);
            int margin = 0;
            while (margin < 10 && Enumerable.Range(0, 21).All(x => kernel[margin, x] == 0))
                margin++;
            sizes.Add(21 - 2 * margin);
        }
        Assert.Subset(settings.KernelSizes.ToHashSet(), sizes);
        Assert.True(sizes.Count >= 6);
    }

    [Fact]
    public void The_final_filter_is_the_identity_one_time_in_five()
    {
        using var scope = torch.NewDisposeScope();
        using var draws = new SeededDraws(5);
        int identities = 0;
        const int count = 1000;
        for (int i = 0; i < count; i++)
        {
            torch.Tensor kernel = DegradationKernels.Draw(draws, DegradationSettings.Reference).FinalSinc;
            Assert.Equal([1, 21, 21], kernel.shape);
            identities += kernel[0, 10, 10].item<float>() == 1 ? 1 : 0;
        }
        Assert.InRange(identities, count / 5 - 60, count / 5 + 60);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0.44005058574493355)]
    [InlineData(3.8317059702075125, 0)]
    [InlineData(10, 0.04347274616886141)]
    [InlineData(44, -0.08280335937602917)]
    public void Bessel_function_has_its_tabulated_values(double x, double expected) =>
        Assert.Equal(expected, BlurKernels.BesselJ1(x), 13);

    [Theory]
    [InlineData(20)]
    [InlineData(0)]
    public void Even_kernels_are_refused(int size)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BlurKernels.Bivariate(KernelShape.Gaussian, size, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BlurKernels.CircularLowPass(1, size));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 40)]
    [InlineData(33, 65)]
    public void The_vectorised_filter_equals_the_convolution(int height, int width)
    {
        using var scope = torch.NewDisposeScope();
        using var generator = new torch.Generator(2);
        torch.Tensor images = torch.rand([2, 3, height, width], generator: generator);
        torch.Tensor kernels = torch.rand([2, 9, 9], generator: generator) - 0.3;
        torch.Tensor exact = Filter2D.Apply(images.to(torch.float64), kernels);
        Assert.InRange((Filter2D.Apply(images, kernels) - exact).abs().max().item<double>(), 0, 1e-5);
        float[] profile = [0.1f, -0.2f, 0.7f, 0.3f, 0.25f];
        exact = Filter2D.ApplySeparable(images.to(torch.float64), profile);
        Assert.InRange((Filter2D.ApplySeparable(images, profile) - exact).abs().max().item<double>(), 0, 1e-5);
    }
}
