namespace Coser.Metrics;

/// <summary>Which channels a metric compares.</summary>
public enum MetricColour
{
    /// <summary>Red, green and blue alike.</summary>
    Rgb,

    /// <summary>Y of YCbCr, BT.601 in studio range (16 to 235).</summary>
    Y,
}

/// <summary>Which of the two customary ways of computing PSNR and SSIM is followed.</summary>
public enum MetricConvention
{
    /// <summary>Values as they are; PSNR adds 1e-8 to the mean squared error, so equal images have 80 dB.</summary>
    Continuous,

    /// <summary>
    /// As if the images had been written to 8-bit files: values rounded to levels first; nothing added to the mean squared
    /// error, so equal images have infinite PSNR.
    /// </summary>
    EightBit,
}

/// <summary>How <see cref="Psnr"/> and <see cref="Ssim"/> compare images. A report names every one of these.</summary>
public sealed record PixelMetricOptions
{
    /// <summary>RGB, or Y alone.</summary>
    public MetricColour Colour { get; init; } = MetricColour.Rgb;

    /// <summary>Pixels left out along each edge.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int Border
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>The way of computing.</summary>
    public MetricConvention Convention { get; init; } = MetricConvention.Continuous;

    /// <summary>
    /// Rounds Y to integers of 0-255 before comparing, as the toolkit behind most published SSIM figures does; without effect
    /// on RGB.
    /// </summary>
    public bool RoundY { get; init; }
}
