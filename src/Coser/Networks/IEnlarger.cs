using static TorchSharp.torch;

namespace Coser.Networks;

/// <summary>What is common to networks that enlarge a photo in one pass, pixels to pixels.</summary>
public interface IEnlarger : IDisposable
{
    /// <summary>Enlargement.</summary>
    int Scale { get; }

    /// <summary>
    /// How far, in input pixels, an output pixel can see: with this margin around a tile, its inside equals that of the whole
    /// picture. Deep dense networks have a bound here that is below it (their authors' tools take 10).
    /// </summary>
    int Margin { get; }

    /// <summary>Sides of a tile, and where it starts, must be multiples of this.</summary>
    int Multiple { get; }

    /// <summary>Longest side of a tile, in input pixels, that keeps activations at about 1 GB in float32.</summary>
    int UsualTile { get; }

    /// <summary>The network itself.</summary>
    nn.Module Network { get; }

    /// <summary>Enlarges a batch.</summary>
    /// <param name="image">[B,3,h,w], float32, [0,1]; sides are multiples of <see cref="Multiple"/>.</param>
    /// <returns>[B,3,h*scale,w*scale], float32, about [0,1], not clamped.</returns>
    Tensor Enlarge(Tensor image);
}
