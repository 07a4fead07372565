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

    /// <summary>Applies a correction.</summary>
    /// <param name="restored">[B,3,H,W].</param>
    /// <param name="input">The enlarged input, same shape.</param>
    /// <param name="detail">As for <see cref="Wavelet"/>; the other corrections do not part detail from colour and leave it alone.</param>
    /// <param name="limit">As <paramref name="detail"/>.</param>
    public static Tensor Apply(
        ColourFixKind kind,
        Tensor restored,
        Tensor input,
        double detail = 1,
        DetailLimit? limit = null
    ) =>
        kind switch
        {
            ColourFixKind.None => restored.alias(),
            ColourFixKind.AdaIn => AdaIn(restored, input),
            ColourFixKind.Wavelet => Wavelet(restored, input, detail, limit),
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
    /// <param name="detail">Factor of the high frequencies; 1 leaves them as they are.</param>
    /// <param name="limit">How strong they may be beside those of <paramref name="style"/>; null: as strong as they are.</param>
    public static Tensor Wavelet(Tensor content, Tensor style, double detail = 1, DetailLimit? limit = null)
    {
        using var scope = NewDisposeScope();
        // detail * (content - low(content)) + low(style), with one low pass instead of two: it is linear.
        Tensor stronger = content * detail;
        Tensor result = stronger + LowPass(style - stronger);
        if (limit is null)
            return result.MoveToOuterDisposeScope();
        Tensor grey = style.mean([1], keepdim: true);
        return limit.Apply(style, grey - LowPass(grey), result - style).MoveToOuterDisposeScope();
    }

    // [B,C,1,1] each
    private static (Tensor Mean, Tensor Std) Moments(Tensor x) =>
        (x.mean([2, 3], keepdim: true), (x.var([2, 3], unbiased: true, keepdim: true) + Eps).sqrt());

    // The binomial filter (1, 2, 1) / 4 down and across, at distances of 1, 2, 4, 8 and 16 pixels. By sums of shifted maps:
    // dilated convolutions of each channel by itself are slower (docs/speed.md).
    private static Tensor LowPass(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor low = x.alias();
        for (int level = 0; level < Levels; level++)
        {
            long radius = 1 << level;
            using Tensor across = Binomial(low, 3, radius);
            low.Dispose(); // maps of full size are felt as long as they live
            low = Binomial(across, 2, radius);
        }
        return low.MoveToOuterDisposeScope();
    }

    private static Tensor Binomial(Tensor x, long dimension, long radius)
    {
        using var scope = NewDisposeScope();
        long[] ends = dimension == 3 ? [radius, radius, 0, 0] : [0, 0, radius, radius];
        Tensor padded = nn.functional.pad(x, ends, PaddingModes.Replicate);
        long size = x.shape[dimension];
        return (padded.narrow(dimension, 0, size) + padded.narrow(dimension, 2 * radius, size))
            .div_(2)
            .add_(x)
            .div_(2)
            .MoveToOuterDisposeScope();
    }
}
