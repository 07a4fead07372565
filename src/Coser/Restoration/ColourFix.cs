using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>How the colours of a result are brought back to those of its input.</summary>
public enum ColourFixKind
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Mean and deviation of each channel are the input's: the paper's way.</summary>
    AdaIn,

    /// <summary>The low frequencies are the input's.</summary>
    Wavelet,
}

/// <summary>Colour corrections of a restored photo by the enlarged input.</summary>
public static class ColourFix
{
    private const double Eps = 1e-5;
    private const int Levels = 5;

    /// <summary>How many pixels away a pixel can change a result of <see cref="Wavelet"/>.</summary>
    public const int WaveletRadius = (1 << Levels) - 1;

    /// <summary>Applies a correction.</summary>
    /// <param name="restored">[B,3,H,W].</param>
    /// <param name="input">The enlarged input, same shape.</param>
    public static Tensor Apply(ColourFixKind kind, Tensor restored, Tensor input) =>
        kind switch
        {
            ColourFixKind.None => restored.alias(),
            ColourFixKind.AdaIn => AdaIn(restored, input),
            ColourFixKind.Wavelet => Wavelet(restored, input),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>Adaptive instance normalisation (Huang and Belongie, ICCV 2017).</summary>
    /// <param name="content">[B,C,H,W].</param>
    /// <param name="style">Same batch and channels.</param>
    public static Tensor AdaIn(Tensor content, Tensor style)
    {
        using var scope = NewDisposeScope();
        (Tensor mean, Tensor std) = Moments(content);
        (Tensor wantedMean, Tensor wantedStd) = Moments(style);
        return ((content - mean) / std * wantedStd + wantedMean).MoveToOuterDisposeScope();
    }

    /// <summary>High frequencies of one photo on the low ones of another, parted by an undecimated wavelet of five levels.</summary>
    /// <param name="content">[B,C,H,W].</param>
    /// <param name="style">Same shape.</param>
    public static Tensor Wavelet(Tensor content, Tensor style)
    {
        using var scope = NewDisposeScope();
        return (content - LowPass(content) + LowPass(style)).MoveToOuterDisposeScope();
    }

    // [B,C,1,1] each
    private static (Tensor Mean, Tensor Std) Moments(Tensor x) =>
        (x.mean([2, 3], keepdim: true), (x.var([2, 3], unbiased: true, keepdim: true) + Eps).sqrt());

    private static Tensor LowPass(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor binomial = tensor(new[] { 1f, 2, 1 }, dtype: x.dtype, device: x.device) / 4;
        Tensor kernel = outer(binomial, binomial).expand(x.shape[1], 1, 3, 3);
        Tensor low = x;
        for (int level = 0; level < Levels; level++)
        {
            long radius = 1 << level;
            using Tensor padded = nn.functional.pad(low, [radius, radius, radius, radius], PaddingModes.Replicate);
            low = nn.functional.conv2d(padded, kernel, dilation: [radius, radius], groups: x.shape[1]);
        }
        return low.MoveToOuterDisposeScope();
    }
}
