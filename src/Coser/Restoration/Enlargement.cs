using Coser.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>What makes an LR photo as large as its result before it is encoded.</summary>
public enum EnlargementKind
{
    /// <summary>Interpolation, as in the reference implementation.</summary>
    Bicubic,

    /// <summary>
    /// The model's own pre-SR network: sampling then starts from a clean, smooth photo, and has only detail to add
    /// (as DiffBIR does it).
    /// </summary>
    PreSr,
}

/// <summary>How an LR photo is enlarged before it is encoded.</summary>
public sealed class Enlargement
{
    // Reach of bicubic interpolation.
    private const int BicubicMargin = 3;
    private readonly IEnlarger? _network;
    private readonly Device _device = CPU;

    /// <summary>By interpolation.</summary>
    /// <param name="scale">Enlargement.</param>
    public Enlargement(int scale) => (Scale, Margin) = (scale, BicubicMargin);

    /// <summary>By a network.</summary>
    /// <param name="network">On its device, of evaluation; remains the caller's.</param>
    /// <param name="device">Where it is.</param>
    public Enlargement(IEnlarger network, Device device) =>
        (_network, _device, Scale, Margin) = (network, device, network.Scale, network.Margin);

    /// <summary>Enlargement.</summary>
    public int Scale { get; }

    /// <summary>How far, in LR pixels, a pixel of the result can see.</summary>
    public int Margin { get; }

    /// <summary>As a model was trained.</summary>
    /// <param name="network">Its pre-SR network; null: it has none.</param>
    /// <exception cref="ArgumentException">The network is wanted and not there.</exception>
    public static Enlargement Of(EnlargementKind kind, int scale, IEnlarger? network, Device device) =>
        kind == EnlargementKind.Bicubic ? new Enlargement(scale)
        : network is null || network.Scale != scale
            ? throw new ArgumentException(
                $"the photo is enlarged by pre-SR, but there is none of x{scale}",
                nameof(network)
            )
        : new Enlargement(network, device);

    /// <summary>Enlarges.</summary>
    /// <param name="lr">[B,3,h,w], [0,1].</param>
    /// <returns>[B,3,scale*h,scale*w], float32, [0,1], on the network's device if there is one.</returns>
    public Tensor Apply(Tensor lr)
    {
        if (_network is null)
            return Bicubic(lr, Scale);
        using var scope = NewDisposeScope();
        return _network.Enlarge(lr.to(_device)).clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Bicubic enlargement (a = -0.75, half-pixel centres) as in the reference implementation, clamped.</summary>
    /// <param name="lr">[B,3,h,w], [0,1].</param>
    /// <returns>[B,3,scale*h,scale*w], [0,1].</returns>
    public static Tensor Bicubic(Tensor lr, int scale)
    {
        using var scope = NewDisposeScope();
        return nn
            .functional.interpolate(
                lr,
                size: [lr.shape[2] * scale, lr.shape[3] * scale],
                mode: InterpolationMode.Bicubic,
                align_corners: false
            )
            .clamp(0, 1)
            .MoveToOuterDisposeScope();
    }
}
