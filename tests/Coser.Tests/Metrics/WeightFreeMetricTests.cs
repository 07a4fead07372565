using Coser.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Metrics;

public sealed class WeightFreeMetricTests
{
    [Fact]
    public void Equal_images_are_perfect()
    {
        using Tensor image = Draw.Uniform(1, 2, 3, 180, 190);
        Assert.All(MsSsim.PerImage(image, image), v => Assert.Equal(1, v, 10));
        Assert.All(Gmsd.PerImage(image, image), v => Assert.Equal(0, v, 10));
        Assert.All(HaarPsi.PerImage(image, image), v => Assert.Equal(1, v, 10));
        Assert.All(Sharpness.PerImage(image, image), v => Assert.Equal(1, v, 10));
        Assert.All(ColourShift.PerImage(image, image), v => Assert.Equal(0, v, 10));
    }

    [Fact]
    public void More_noise_is_worse_in_every_index()
    {
        using var scope = NewDisposeScope();
        Tensor clean = Waves(192, 192);
        Tensor noise = Draw.Normal(2, 1, 3, 192, 192);
        double[] levels = [0.02, 0.06, 0.18];
        Tensor[] noisy = [.. levels.Select(l => (clean + l * noise).clamp(0, 1))];
        Falls(noisy.Select(n => MsSsim.Compute(n, clean)));
        Falls(noisy.Select(n => HaarPsi.Compute(n, clean)));
        Falls(noisy.Select(n => -Gmsd.Compute(n, clean)));
        Falls(noisy.Select(n => -Sharpness.Compute(n, clean)));
    }

    [Fact]
    public void Ms_ssim_of_one_scale_less_is_not_the_same_as_ssim()
    {
        using var scope = NewDisposeScope();
        Tensor clean = Waves(192, 192);
        Tensor noisy = clean + 0.1 * Draw.Normal(3, 1, 3, 192, 192);
        // Noise fades at coarser scales, which SSIM does not look at.
        Assert.True(MsSsim.Compute(noisy, clean) > Ssim.Compute(noisy, clean) + 0.05);
    }

    [Fact]
    public void Gmsd_agrees_with_plain_loops()
    {
        using var scope = NewDisposeScope();
        (Tensor a, Tensor b) = (Draw.Uniform(4, 1, 3, 21, 18), Draw.Uniform(5, 1, 3, 21, 18));
        Assert.Equal(PlainGmsd(a, b), Gmsd.Compute(a, b), 10);
    }

    [Fact]
    public void Haarpsi_agrees_with_plain_loops()
    {
        using var scope = NewDisposeScope();
        (Tensor a, Tensor b) = (Waves(34, 30), (Waves(34, 30) + 0.2 * Draw.Normal(6, 1, 3, 34, 30)).clamp(0, 1));
        Assert.Equal(PlainHaarPsi(a, b), HaarPsi.Compute(a, b), 10);
    }

    [Fact]
    public void Sharpness_is_a_ratio_of_energies()
    {
        using var scope = NewDisposeScope();
        Tensor image = Draw.Uniform(7, 1, 3, 20, 20);
        Assert.Equal(0.25, Sharpness.Compute(0.5 * image, image), 6);
        Assert.Equal(double.PositiveInfinity, Sharpness.Compute(image, full([1, 3, 20, 20], 0.5f)));
    }

    [Fact]
    public void Colour_shift_is_measured_in_cielab()
    {
        using var scope = NewDisposeScope();
        (Tensor black, Tensor white) = (zeros([1, 3, 32, 32]), ones([1, 3, 32, 32]));
        Assert.Equal(100, ColourShift.Compute(black, white), 2);
        // sRGB's red lies at L* 53.24, a* 80.09, b* 67.20.
        Tensor red = zeros([1, 3, 32, 32]);
        red[.., 0].fill_(1);
        Assert.Equal(Math.Sqrt(53.24 * 53.24 + 80.09 * 80.09 + 67.20 * 67.20), ColourShift.Compute(red, black), 1);
    }

    [Fact]
    public void Colour_shift_does_not_see_detail()
    {
        using var scope = NewDisposeScope();
        // A checkerboard of single pixels against its mean in linear light.
        Tensor board = ((arange(32).view(-1, 1) + arange(32).view(1, -1)) % 2).to(float32).expand(1, 3, 32, 32);
        double grey = 1.055 * Math.Pow(0.5, 1 / 2.4) - 0.055;
        Assert.Equal(0, ColourShift.Compute(board, full([1, 3, 32, 32], grey)), 3);
    }

    [Fact]
    public void Bytes_and_floats_give_the_same()
    {
        using var scope = NewDisposeScope();
        Tensor a = (Draw.Uniform(8, 1, 3, 180, 180) * 255).to(uint8);
        Tensor b = (Draw.Uniform(9, 1, 3, 180, 180) * 255).to(uint8);
        (Tensor floatA, Tensor floatB) = (a.to(float32) / 255, b.to(float32) / 255);
        Assert.Equal(HaarPsi.Compute(a, b), HaarPsi.Compute(floatA, floatB), 6);
        Assert.Equal(Gmsd.Compute(a, b), Gmsd.Compute(floatA, floatB), 6);
        Assert.Equal(ColourShift.Compute(a, b), ColourShift.Compute(floatA, floatB), 4);
    }

    [Fact]
    public void Images_that_cannot_be_compared_are_refused()
    {
        using var scope = NewDisposeScope();
        Tensor image = Draw.Uniform(10, 1, 3, 24, 24);
        Assert.Throws<ArgumentException>(() => MsSsim.Compute(image, image));
        Assert.Throws<ArgumentException>(() => Gmsd.Compute(image, image.narrow(3, 0, 20)));
        Assert.Throws<ArgumentException>(() => HaarPsi.Compute(image[0], image[0]));
        Assert.Throws<ArgumentException>(() => ColourShift.Compute(image.narrow(2, 0, 8), image.narrow(2, 0, 8)));
    }

    [Fact]
    public void Nothing_leaks()
    {
        using Tensor image = Draw.Uniform(11, 1, 3, 180, 180);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        MsSsim.Compute(image, image);
        Gmsd.Compute(image, image);
        HaarPsi.Compute(image, image);
        Sharpness.Compute(image, image);
        ColourShift.Compute(image, image);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static void Falls(IEnumerable<double> values)
    {
        double[] all = [.. values];
        Assert.True(all[0] > all[1] && all[1] > all[2], string.Join(" ", all));
    }

    // A colourful picture of smooth waves, [1,3,h,w].
    private static Tensor Waves(int height, int width)
    {
        Tensor y = arange(height, dtype: float32).view(-1, 1);
        Tensor x = arange(width, dtype: float32).view(1, -1);
        Tensor[] channels = [.. new[] { 7.0, 11, 17 }.Select(p => (y / p + x / (p + 3)).sin() * 0.4 + 0.5)];
        return stack(channels).unsqueeze(0);
    }

    private static double[,] Plane(Tensor image, double[] weights)
    {
        (int h, int w) = ((int)image.shape[2], (int)image.shape[3]);
        float[] values = [.. image.contiguous().data<float>()];
        var plane = new double[h, w];
        for (int y = 0; y < h; y++)
        {
            for (int x = 0; x < w; x++)
                plane[y, x] = Enumerable.Range(0, 3).Sum(c => weights[c] * 255.0 * values[(c * h + y) * w + x]);
        }
        return plane;
    }

    // A value of a plane, 0 beyond it.
    private static double At(double[,] plane, int y, int x) =>
        y >= 0 && x >= 0 && y < plane.GetLength(0) && x < plane.GetLength(1) ? plane[y, x] : 0;

    private static double[,] Map(int height, int width, Func<int, int, double> value)
    {
        var map = new double[height, width];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                map[y, x] = value(y, x);
        }
        return map;
    }

    private static double[,] Half(double[,] p) =>
        Map(
            (p.GetLength(0) + 1) / 2,
            (p.GetLength(1) + 1) / 2,
            (y, x) =>
                (At(p, 2 * y, 2 * x) + At(p, 2 * y, 2 * x + 1) + At(p, 2 * y + 1, 2 * x) + At(p, 2 * y + 1, 2 * x + 1))
                / 4
        );

    private static double PlainGmsd(Tensor a, Tensor b)
    {
        double[,] Gradient(Tensor image)
        {
            double[,] p = Half(Plane(image, [0.299, 0.587, 0.114]));
            return Map(
                p.GetLength(0),
                p.GetLength(1),
                (y, x) =>
                {
                    double across = Enumerable.Range(-1, 3).Sum(i => At(p, y + i, x - 1) - At(p, y + i, x + 1)) / 3;
                    double down = Enumerable.Range(-1, 3).Sum(i => At(p, y - 1, x + i) - At(p, y + 1, x + i)) / 3;
                    return Math.Sqrt(across * across + down * down);
                }
            );
        }

        double[] first = [.. Gradient(a).Cast<double>()];
        double[] second = [.. Gradient(b).Cast<double>()];
        double[] similar = [.. first.Zip(second, (m, n) => (2 * m * n + 170) / (m * m + n * n + 170))];
        double mean = similar.Average();
        return Math.Sqrt(similar.Sum(s => (s - mean) * (s - mean)) / (similar.Length - 1));
    }

    private static double PlainHaarPsi(Tensor a, Tensor b)
    {
        static double Similar(double p, double q) => (2 * p * q + 30) / (p * p + q * q + 30);
        static double Sigmoid(double v) => 1 / (1 + Math.Exp(-4.2 * v));

        // The difference of the two halves of a square of 2^scale pixels, whose upper left middle is the place.
        static double Wavelet(double[,] p, int y, int x, int scale, bool across)
        {
            int side = 1 << scale;
            double sum = 0;
            for (int i = 0; i < side; i++)
            {
                for (int j = 0; j < side; j++)
                    sum += At(p, y + i - side / 2 + 1, x + j - side / 2 + 1) * ((across ? j : i) < side / 2 ? 1 : -1);
            }
            return Math.Abs(sum / side);
        }

        static double Mean4(double[,] p, int y, int x) =>
            Math.Abs(At(p, y, x) + At(p, y, x + 1) + At(p, y + 1, x) + At(p, y + 1, x + 1)) / 4;

        double[][] yiq =
        [
            [0.299, 0.587, 0.114],
            [0.596, -0.274, -0.322],
            [0.211, -0.523, 0.312],
        ];
        double[][,] first = [.. yiq.Select(w => Half(Plane(a, w)))];
        double[][,] second = [.. yiq.Select(w => Half(Plane(b, w)))];
        double above = 0;
        double below = 0;
        for (int y = 0; y < first[0].GetLength(0); y++)
        {
            for (int x = 0; x < first[0].GetLength(1); x++)
            {
                double weights = 0;
                foreach (bool across in new[] { false, true })
                {
                    double[] s =
                    [
                        .. new[] { 1, 2 }.Select(scale =>
                            Similar(Wavelet(first[0], y, x, scale, across), Wavelet(second[0], y, x, scale, across))
                        ),
                    ];
                    double weight = Math.Max(Wavelet(first[0], y, x, 3, across), Wavelet(second[0], y, x, 3, across));
                    above += Sigmoid(s.Average()) * weight;
                    weights += weight;
                }
                double colour = new[] { 1, 2 }.Average(c => Similar(Mean4(first[c], y, x), Mean4(second[c], y, x)));
                above += Sigmoid(colour) * weights / 2;
                below += weights * 1.5;
            }
        }
        double mean = above / below;
        double logit = Math.Log(mean / (1 - mean)) / 4.2;
        return logit * logit;
    }
}
