namespace Coser.Training.Captions;

/// <summary>Chooses pixels by their place.</summary>
/// <param name="x">0 (left) to 1.</param>
/// <param name="y">0 (top) to 1.</param>
internal delegate bool PhotoPart(double x, double y);

/// <summary>Steps of a square picture's lightness to the right and downwards.</summary>
internal sealed class EdgeMap
{
    private readonly float[] _edges;
    private readonly int _side;

    /// <param name="values">[side * side], row by row, [0,1].</param>
    public EdgeMap(float[] values, int side)
    {
        _side = side;
        _edges = new float[side * side];
        for (int i = 0; i < _edges.Length; i++)
        {
            // The last row and column repeat their neighbours.
            int at = Math.Min(i / side, side - 2) * side + Math.Min(i % side, side - 2);
            _edges[i] = MathF.Abs(values[at + 1] - values[at]) + MathF.Abs(values[at + side] - values[at]);
        }
    }

    public float this[int pixel] => _edges[pixel];

    public double Mean(PhotoPart part) => Pixels(part, _side).Average(i => _edges[i]);

    /// <summary>Indices of the pixels of a part.</summary>
    public static int[] Pixels(PhotoPart part, int side) =>
        [.. Enumerable.Range(0, side * side).Where(i => part((i % side + 0.5) / side, (i / side + 0.5) / side))];
}
