using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>Interpolation of a resize.</summary>
public enum ResizeMode
{
    /// <summary>Mean over the covered pixels (adaptive average pooling).</summary>
    Area,

    /// <summary>Two by two neighbours, no antialiasing.</summary>
    Bilinear,

    /// <summary>Four by four neighbours (a = -0.75), no antialiasing; may leave [0,1].</summary>
    Bicubic,
}

/// <summary>Resizing as Real-ESRGAN's section 3.2 has it: corners not aligned, no antialiasing.</summary>
public static class Resize
{
    /// <summary>Resizes by a factor; sizes are rounded down, and the factor itself (not the ratio of sizes) maps coordinates.</summary>
    /// <param name="images">[B,C,H,W].</param>
    public static torch.Tensor ByFactor(torch.Tensor images, double factor, ResizeMode mode)
    {
        ArgumentNullException.ThrowIfNull(images);
        return torch.nn.functional.interpolate(
            images,
            scale_factor: [factor, factor],
            mode: Mode(mode),
            align_corners: Corners(mode)
        );
    }

    /// <summary>Resizes to height x width.</summary>
    /// <param name="images">[B,C,H,W].</param>
    public static torch.Tensor ToSize(torch.Tensor images, long height, long width, ResizeMode mode)
    {
        ArgumentNullException.ThrowIfNull(images);
        return torch.nn.functional.interpolate(
            images,
            size: [height, width],
            mode: Mode(mode),
            align_corners: Corners(mode)
        );
    }

    // Left open, libtorch writes a warning a call; given for pooling, it refuses.
    private static bool? Corners(ResizeMode mode) => mode == ResizeMode.Area ? null : false;

    private static torch.InterpolationMode Mode(ResizeMode mode) =>
        mode switch
        {
            ResizeMode.Area => torch.InterpolationMode.Area,
            ResizeMode.Bilinear => torch.InterpolationMode.Bilinear,
            ResizeMode.Bicubic => torch.InterpolationMode.Bicubic,
            _ => throw new ArgumentOutOfRangeException(nameof(mode)),
        };
}
