using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>The three kernels of a sample (or batch); float32, [B,K,K], K odd, each of sum 1.</summary>
/// <param name="First">Blur of the first pass.</param>
/// <param name="Second">Blur of the second pass.</param>
/// <param name="FinalSinc">The closing low-pass filter, or the kernel that changes nothing.</param>
public sealed record DegradationKernels(torch.Tensor First, torch.Tensor Second, torch.Tensor FinalSinc)
{
    private static readonly (KernelShape Shape, bool Isotropic)[] Kinds =
    [
        (KernelShape.Gaussian, true),
        (KernelShape.Gaussian, false),
        (KernelShape.Generalised, true),
        (KernelShape.Generalised, false),
        (KernelShape.Plateau, true),
        (KernelShape.Plateau, false),
    ];

    // Below this side length a low cut-off leaves no room for a lobe (Real-ESRGAN's training code).
    private const int SmallSinc = 13;

    /// <summary>Draws the kernels of one sample, B = 1, in the caller's dispose scope.</summary>
    public static DegradationKernels Draw(IDegradationDraws draws, DegradationSettings settings)
    {
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentNullException.ThrowIfNull(settings);
        double[,] first = Blur(draws, settings.First.Blur);
        double[,] second = Blur(draws, settings.Second.Blur);
        return new(ToTensor(first), ToTensor(second), ToTensor(FinalFilter(draws, settings)));
    }

    /// <summary>Draws a blur kernel: a circular low-pass filter, or one of the six kinds; as large as the largest size.</summary>
    public static double[,] Blur(IDegradationDraws draws, BlurSettings settings)
    {
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentNullException.ThrowIfNull(settings);
        int size = draws.Choice(settings.KernelSizes);
        double[,] kernel =
            draws.Random() < settings.SincProbability
                ? BlurKernels.CircularLowPass(draws.Uniform(Math.PI / (size < SmallSinc ? 3 : 5), Math.PI), size)
                : Mixed(draws, settings, size);
        return BlurKernels.Pad(kernel, settings.KernelSizes.Max());
    }

    private static double[,] Mixed(IDegradationDraws draws, BlurSettings settings, int size)
    {
        (KernelShape shape, bool isotropic) = draws.Choices(Kinds, settings.KindProbabilities);
        double sigmaX = Within(draws, settings.Sigma);
        double sigmaY = isotropic ? sigmaX : Within(draws, settings.Sigma);
        double rotation = isotropic ? 0 : draws.Uniform(-Math.PI, Math.PI);
        double beta = shape switch
        {
            KernelShape.Generalised => Beta(draws, settings.GeneralisedBeta),
            KernelShape.Plateau => Beta(draws, settings.PlateauBeta),
            _ => 1,
        };
        return BlurKernels.Bivariate(shape, size, sigmaX, sigmaY, rotation, beta);
    }

    private static double[,] FinalFilter(IDegradationDraws draws, DegradationSettings settings)
    {
        IReadOnlyList<int> sizes = settings.Second.Blur.KernelSizes;
        if (draws.Random() >= settings.FinalSincProbability)
            return BlurKernels.Identity(sizes.Max());
        int size = draws.Choice(sizes);
        return BlurKernels.CircularLowPass(draws.Uniform(Math.PI / 3, Math.PI), size, sizes.Max());
    }

    private static double Within(IDegradationDraws draws, Interval range) => draws.Uniform(range.Low, range.High);

    private static double Beta(IDegradationDraws draws, Interval range) =>
        draws.Random() < 0.5 ? draws.Uniform(range.Low, 1) : draws.Uniform(1, range.High);

    private static torch.Tensor ToTensor(double[,] kernel)
    {
        using torch.Tensor exact = torch.tensor(kernel);
        using torch.Tensor rounded = exact.to(torch.float32);
        return rounded.unsqueeze(0);
    }
}
