using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>
/// Another method's image, unsharp-masked: what stands out from a Gaussian blur is amplified. The rival of every method that
/// claims to add detail, since sharper edges alone please many metrics.
/// </summary>
/// <param name="method">Owned from here on.</param>
/// <param name="amount">Share of the detail that is added.</param>
/// <param name="sigma">Standard deviation of the blur, pixels.</param>
public sealed class UnsharpMethod(
    IRestorationMethod method,
    double amount = UnsharpMethod.UsualAmount,
    double sigma = 1.5
) : IRestorationMethod
{
    /// <summary>The detail once more.</summary>
    public const double UsualAmount = 1;

    /// <inheritdoc/>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{method.Name}, unsharp {amount:0.##}");

    /// <inheritdoc/>
    public string Identity =>
        string.Create(CultureInfo.InvariantCulture, $"{method.Identity} unsharp {amount} sigma {sigma}");

    /// <inheritdoc/>
    public string SourceOf(EvaluationImage image) => method.SourceOf(image);

    /// <inheritdoc/>
    public Tensor Restore(EvaluationImage image)
    {
        using var scope = NewDisposeScope();
        Tensor soft = method.Restore(image);
        return (soft + (soft - Blur(soft)) * amount).clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IRestorationMethod? WithSeed(long seed) =>
        method.WithSeed(seed) is { } seeded ? new UnsharpMethod(seeded, amount, sigma) : null;

    /// <inheritdoc/>
    public void Dispose() => method.Dispose();

    // Edges repeated, three standard deviations to each side.
    private Tensor Blur(Tensor image)
    {
        int reach = (int)Math.Ceiling(3 * sigma);
        Tensor kernel = exp(arange(-reach, reach + 1, dtype: float32).div(sigma).square().mul(-0.5));
        kernel /= kernel.sum();
        Tensor padded = nn.functional.pad(image, [reach, reach, reach, reach], PaddingModes.Replicate);
        Tensor flat = padded.reshape(-1, 1, padded.shape[2], padded.shape[3]);
        flat = nn.functional.conv2d(flat, kernel.reshape(1, 1, -1, 1));
        return nn.functional.conv2d(flat, kernel.reshape(1, 1, 1, -1)).reshape(image.shape);
    }
}
