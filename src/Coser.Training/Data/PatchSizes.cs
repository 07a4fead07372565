using Coser.Training.Degradation;

namespace Coser.Training.Data;

/// <summary>
/// Sides of square crops, each as often as the others, one for a whole batch. A network with GroupNorm that only ever sees one
/// size relies on the statistics of that size, and fails on whole photos.
/// </summary>
/// <param name="usual">The side that the batch size is meant for.</param>
/// <param name="others">Other sides; of larger crops a batch has fewer, as many pixels.</param>
internal sealed class PatchSizes(int usual, IReadOnlyList<int> others)
{
    private readonly int[] _sides = [usual, .. others];

    /// <summary>True when every side is a multiple of that many pixels.</summary>
    public bool AreMultiplesOf(int pixels) => _sides.All(s => s > 0 && s % pixels == 0);

    /// <summary>The smallest side.</summary>
    public int Smallest => _sides.Min();

    /// <summary>The largest side.</summary>
    public int Largest => _sides.Max();

    /// <summary>Side and number of the crops of a batch.</summary>
    /// <param name="batch">Crops of the usual side.</param>
    public (int Side, int Count) Choose(int batch, SeededDraws draws)
    {
        int side = draws.Choice(_sides);
        long pixels = (long)batch * usual * usual;
        return (side, (int)Math.Clamp(pixels / ((long)side * side), 1, batch));
    }
}
