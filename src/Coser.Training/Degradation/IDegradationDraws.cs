using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>
/// Every random decision of the degradation, in the order in which it is taken: from a seed, or replayed from a log. Tensors
/// are float32 on the CPU and belong to the caller's dispose scope.
/// </summary>
public interface IDegradationDraws
{
    /// <summary>A number in [0,1) that decides an event of some probability.</summary>
    double Random();

    /// <summary>A number between two bounds.</summary>
    double Uniform(double low, double high);

    /// <summary>One of <paramref name="items"/>, all alike.</summary>
    T Choice<T>(IReadOnlyList<T> items);

    /// <summary>One of <paramref name="items"/>, in proportion to <paramref name="weights"/> (not negative, some positive).</summary>
    T Choices<T>(IReadOnlyList<T> items, IReadOnlyList<double> weights);

    /// <summary>An integer in low..high, both included.</summary>
    int RandInt(int low, int high);

    /// <summary>Numbers in [0,1).</summary>
    torch.Tensor Rand(params ReadOnlySpan<long> shape);

    /// <summary>Standard normal numbers.</summary>
    torch.Tensor RandN(params ReadOnlySpan<long> shape);

    /// <summary>Poisson counts, one a rate (not negative).</summary>
    torch.Tensor Poisson(torch.Tensor rates);

    /// <summary>[count] JPEG qualities between two bounds.</summary>
    torch.Tensor JpegQuality(long count, double low, double high);
}
