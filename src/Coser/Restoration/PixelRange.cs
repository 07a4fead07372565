using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>Smallest and largest value seen, to notice a result of one single colour.</summary>
internal sealed class PixelRange
{
    private float _lowest = float.PositiveInfinity;
    private float _highest = float.NegativeInfinity;

    public bool Varies => _highest > _lowest;

    public void Add(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        _lowest = Math.Min(_lowest, pixels.min().item<float>());
        _highest = Math.Max(_highest, pixels.max().item<float>());
    }

    /// <exception cref="RestorationException">The input varies and the result does not.</exception>
    public static void Compare(PixelRange input, PixelRange result)
    {
        if (input.Varies && !result.Varies)
            throw new RestorationException("the network gave one colour for the whole photo: its weights are damaged");
    }
}
