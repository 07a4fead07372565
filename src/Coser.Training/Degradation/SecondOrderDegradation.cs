using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>
/// Real-ESRGAN's second-order degradation (section 3): blur, resize, noise and JPEG, twice, closed by a low-pass filter and the
/// resize to the LR image's size in either order with the last JPEG.
/// </summary>
/// <remarks>
/// Decisions (directions, modes, kinds of noise, orders) hold for a whole batch; noise strengths, grey flags and JPEG qualities
/// are drawn for each image of it. A batch of 1 therefore gives every sample decisions of its own. Instances hold no state
/// between calls and may be used by several threads.
/// </remarks>
/// <param name="jpeg">What JPEG does; the formula <see cref="DiffJpeg"/> when null.</param>
public sealed class SecondOrderDegradation(IJpegRoundTrip? jpeg = null)
{
    private enum Direction
    {
        Up,
        Down,
        Keep,
    }

    private static readonly Direction[] Directions = [Direction.Up, Direction.Down, Direction.Keep];
    private static readonly ResizeMode[] Modes = [ResizeMode.Area, ResizeMode.Bilinear, ResizeMode.Bicubic];

    private readonly IJpegRoundTrip _jpeg = jpeg ?? new DiffJpeg();
    private readonly UsmSharp _sharpen = new();

    /// <summary>Draws kernels and degrades.</summary>
    /// <inheritdoc cref="Degrade(torch.Tensor, DegradationKernels, IDegradationDraws, DegradationSettings)"/>
    public (torch.Tensor Lq, torch.Tensor Gt) Degrade(
        torch.Tensor gt,
        IDegradationDraws draws,
        DegradationSettings settings
    )
    {
        using var scope = torch.NewDisposeScope();
        (torch.Tensor lq, torch.Tensor target) = Degrade(gt, DegradationKernels.Draw(draws, settings), draws, settings);
        return (lq.MoveToOuterDisposeScope(), target.MoveToOuterDisposeScope());
    }

    /// <summary>Makes a pair of LR and HR images.</summary>
    /// <param name="gt">[B,3,H,W] float32 RGB in [0,1]; H and W are multiples of the scale, and at least the crop size.</param>
    /// <param name="kernels">Kernels of the sample or batch.</param>
    /// <returns>
    /// LR [B,3,h/scale,w/scale] and HR [B,3,h,w] in [0,1], where h and w are the crop size, or H and W without one; both in
    /// the caller's dispose scope.
    /// </returns>
    /// <exception cref="ArgumentException">The image has another shape or type, or the crop does not fit.</exception>
    public (torch.Tensor Lq, torch.Tensor Gt) Degrade(
        torch.Tensor gt,
        DegradationKernels kernels,
        IDegradationDraws draws,
        DegradationSettings settings
    )
    {
        ArgumentNullException.ThrowIfNull(gt);
        ArgumentNullException.ThrowIfNull(kernels);
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentNullException.ThrowIfNull(settings);
        if (gt.dim() != 4 || gt.shape[1] != 3 || gt.dtype != torch.float32)
            throw new ArgumentException("HR images are [B,3,H,W] float32", nameof(gt));
        if (gt.shape[2] % settings.Scale != 0 || gt.shape[3] % settings.Scale != 0)
            throw new ArgumentException($"HR sides are multiples of {settings.Scale}", nameof(gt));

        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        torch.Tensor target = settings.SharpenGt ? _sharpen.Apply(gt) : gt.alias();
        (long height, long width) = (gt.shape[2] / settings.Scale, gt.shape[3] / settings.Scale);

        torch.Tensor image = FirstPass(target, kernels.First, draws, settings.First);
        image = SecondPass(image, (height, width), kernels, draws, settings.Second);
        torch.Tensor lq = image.clamp(0, 1);
        if (settings.GtSize is { } size)
            (lq, target) = PairedCrop.Cut(lq, target, size, settings.Scale, draws);
        if (draws.Random() < settings.NoDegradationProbability)
            lq = Shrink(target, settings.Scale);
        if (settings.RoundLq)
            lq = (lq * 255).round_().div_(255);
        return (lq.MoveToOuterDisposeScope(), target.MoveToOuterDisposeScope());
    }

    /// <summary>Degrades a whole image for a validation set: no crop, no sharpening, never left undegraded.</summary>
    /// <param name="hr">[1,3,H,W] float32 RGB in [0,1]; H and W are multiples of the scale.</param>
    /// <param name="seed">Decides everything.</param>
    /// <returns>LR [1,3,H/scale,W/scale] in [0,1].</returns>
    /// <exception cref="ArgumentException">The image has another shape or type.</exception>
    public torch.Tensor DegradeWhole(torch.Tensor hr, ulong seed, DegradationSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        using var scope = torch.NewDisposeScope();
        using var draws = new SeededDraws(seed);
        DegradationSettings whole = settings with { GtSize = null, SharpenGt = false, NoDegradationProbability = 0 };
        return Degrade(hr, draws, whole).Lq.MoveToOuterDisposeScope();
    }

    private torch.Tensor FirstPass(
        torch.Tensor image,
        torch.Tensor kernel,
        IDegradationDraws draws,
        PassSettings settings
    )
    {
        // The reference's first pass always blurs and draws nothing for it.
        if (settings.BlurProbability >= 1 || draws.Random() < settings.BlurProbability)
            image = Filter2D.Apply(image, kernel);
        double factor = Factor(draws, settings);
        image = Resize.ByFactor(image, factor, draws.Choice(Modes));
        return Compress(AddNoise(image, draws, settings), draws, settings);
    }

    private torch.Tensor SecondPass(
        torch.Tensor image,
        (long Height, long Width) lq,
        DegradationKernels kernels,
        IDegradationDraws draws,
        PassSettings settings
    )
    {
        if (draws.Random() < settings.BlurProbability)
            image = Filter2D.Apply(image, kernels.Second);
        double factor = Factor(draws, settings);
        ResizeMode mode = draws.Choice(Modes);
        image = Resize.ToSize(
            image,
            Math.Max(1, (long)(lq.Height * factor)),
            Math.Max(1, (long)(lq.Width * factor)),
            mode
        );
        image = AddNoise(image, draws, settings);
        // Either order of the last two steps; resize and low-pass filter stay together, apart they leave twisted lines.
        if (draws.Random() < 0.5)
            return Compress(ResizeBack(image), draws, settings);
        image = Compress(image, draws, settings);
        return ResizeBack(image);

        torch.Tensor ResizeBack(torch.Tensor from) =>
            Filter2D.Apply(Resize.ToSize(from, lq.Height, lq.Width, draws.Choice(Modes)), kernels.FinalSinc);
    }

    private static double Factor(IDegradationDraws draws, PassSettings settings)
    {
        (double up, double down, double keep) = settings.ResizeProbabilities;
        return draws.Choices(Directions, [up, down, keep]) switch
        {
            Direction.Up => draws.Uniform(1, settings.ResizeFactor.High),
            Direction.Down => draws.Uniform(settings.ResizeFactor.Low, 1),
            _ => 1,
        };
    }

    private static torch.Tensor AddNoise(torch.Tensor image, IDegradationDraws draws, PassSettings settings)
    {
        bool gaussian = draws.Random() < settings.GaussianProbability;
        (double low, double high) = gaussian ? settings.GaussianSigma : settings.PoissonScale;
        torch.Tensor strength = draws.Rand(image.shape[0]) * (high - low) + low;
        torch.Tensor grey = draws.Rand(image.shape[0]).lt(settings.GreyNoiseProbability);
        torch.Tensor noise = gaussian
            ? Noise.Gaussian(image, strength, grey, draws)
            : Noise.Poisson(image, strength, grey, draws);
        return (image + noise).clamp_(0, 1);
    }

    private torch.Tensor Compress(torch.Tensor image, IDegradationDraws draws, PassSettings settings)
    {
        (double low, double high) = settings.JpegQuality;
        torch.Tensor quality = draws.JpegQuality(image.shape[0], low, high);
        return _jpeg.Apply(image.clamp(0, 1), quality);
    }

    private static torch.Tensor Shrink(torch.Tensor image, int scale) =>
        torch
            .nn.functional.interpolate(
                image,
                size: [image.shape[2] / scale, image.shape[3] / scale],
                mode: torch.InterpolationMode.Bicubic,
                align_corners: false,
                antialias: true
            )
            .clamp(0, 1);
}
