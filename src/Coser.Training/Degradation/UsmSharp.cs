using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>
/// Unsharp masking of training targets (Real-ESRGAN, section 3.5): detail that stands out from a Gaussian blur is amplified,
/// through a mask that is blurred itself so that no edge of it shows.
/// </summary>
public sealed class UsmSharp
{
    private readonly float[] _profile;

    /// <param name="radius">Side length of the blur in pixels; an even one is raised by one.</param>
    /// <param name="sigma">Standard deviation of the blur; 0 takes the usual 0.3 * ((size - 1) / 2 - 1) + 0.8.</param>
    public UsmSharp(int radius = 51, double sigma = 0)
    {
        int size = radius | 1;
        Sigma = sigma > 0 ? sigma : 0.3 * ((size - 1) * 0.5 - 1) + 0.8;
        _profile = [.. BlurKernels.Gaussian1D(size, Sigma).Select(v => (float)v)];
    }

    /// <summary>Standard deviation of the blur in pixels.</summary>
    public double Sigma { get; }

    /// <summary>Sharpens images.</summary>
    /// <param name="images">[B,C,H,W] in [0,1].</param>
    /// <param name="weight">Share of the detail that is added.</param>
    /// <param name="threshold">Detail up to this many 8-bit levels is left alone.</param>
    /// <returns>[B,C,H,W] in [0,1] where the input is.</returns>
    public torch.Tensor Apply(torch.Tensor images, double weight = 0.5, double threshold = 10)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = torch.NewDisposeScope();
        torch.Tensor detail = Filter2D.ApplySeparable(images, _profile).neg_().add_(images);
        torch.Tensor mask = detail.abs().mul_(255).gt(threshold).to(images.dtype);
        torch.Tensor soft = Filter2D.ApplySeparable(mask, _profile);
        torch.Tensor sharp = detail.mul_(weight).add_(images).clamp_(0, 1);
        return sharp.sub_(images).mul_(soft).add_(images).MoveToOuterDisposeScope();
    }
}
