namespace Coser.Metrics.Niqe;

/// <summary>The 36 numbers of every block: 18 at full size, 18 at half.</summary>
internal static class NiqeFeatures
{
    public const int Count = 36;
    private const int PerScale = Count / 2;

    // Neighbours below-right by wrapping around the block, as the reference does with np.roll.
    private static readonly (int Down, int Right)[] Shifts = [(0, 1), (1, 0), (1, 1), (1, -1)];

    /// <summary>Features and sharpness (mean local deviation at full size) of all whole blocks, columns of blocks outermost.</summary>
    public static (double[][] Features, double[] Sharpness) Of(NiqePlane plane, int block, double[] window)
    {
        (int rows, int columns) = (plane.Height / block, plane.Width / block);
        plane = plane.Cut(rows * block, columns * block);
        double[][] features = [.. Enumerable.Range(0, rows * columns).Select(_ => new double[Count])];
        var sharpness = new double[rows * columns];
        for (int scale = 1; scale <= 2; scale++)
        {
            (NiqePlane normalised, NiqePlane deviation) = plane.Normalise(window);
            int side = block / scale;
            int number = 0;
            for (int column = 0; column < columns; column++)
            {
                for (int row = 0; row < rows; row++, number++)
                {
                    float[] values = Block(normalised, row * side, column * side, side);
                    Fill(values, side, features[number].AsSpan((scale - 1) * PerScale));
                    if (scale == 1)
                        sharpness[number] = Block(deviation, row * side, column * side, side).Average();
                }
            }
            if (scale == 1)
                plane = plane.Half();
        }
        return (features, sharpness);
    }

    private static void Fill(float[] block, int side, Span<double> to)
    {
        AsymmetricGaussian own = AsymmetricGaussian.Fit(block);
        (to[0], to[1]) = (own.Alpha, (own.Left + own.Right) / 2);
        var products = new float[block.Length];
        for (int s = 0; s < Shifts.Length; s++)
        {
            (int down, int right) = Shifts[s];
            for (int y = 0; y < side; y++)
            {
                int above = (y - down + side) % side * side;
                for (int x = 0; x < side; x++)
                    products[y * side + x] = block[y * side + x] * block[above + (x - right + side) % side];
            }
            AsymmetricGaussian pair = AsymmetricGaussian.Fit(products);
            Span<double> four = to.Slice(2 + 4 * s, 4);
            (four[0], four[1], four[2], four[3]) = (pair.Alpha, pair.Mean, pair.Left, pair.Right);
        }
    }

    private static float[] Block(NiqePlane plane, int top, int left, int side)
    {
        var block = new float[side * side];
        for (int y = 0; y < side; y++)
            plane.Values.AsSpan((top + y) * plane.Width + left, side).CopyTo(block.AsSpan(y * side));
        return block;
    }
}
