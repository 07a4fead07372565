namespace Coser.Metrics.Niqe;

/// <summary>A grey picture on 0-255, in float32 as the published figures were computed.</summary>
internal sealed class NiqePlane(int height, int width, float[] values)
{
    // Bicubic of MATLAB's imresize at 1/2: twice as wide as the kernel itself, eight taps.
    private const int Taps = 8;
    private static readonly float[] HalfWeights = MakeHalfWeights();

    public int Height => height;

    public int Width => width;

    public float[] Values => values;

    /// <summary>The part that whole blocks cover.</summary>
    public NiqePlane Cut(int rows, int columns)
    {
        var cut = new float[rows * columns];
        for (int y = 0; y < rows; y++)
            values.AsSpan(y * width, columns).CopyTo(cut.AsSpan(y * columns));
        return new NiqePlane(rows, columns, cut);
    }

    /// <summary>Half the size, by MATLAB's antialiased bicubic with mirrored edges, of values/255.</summary>
    public NiqePlane Half()
    {
        (int h, int w) = (height / 2, width / 2);
        var rows = new float[h * width];
        for (int y = 0; y < h; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double sum = 0;
                for (int k = 0; k < Taps; k++)
                    sum += (double)HalfWeights[k] * (values[Mirror(2 * y - 3 + k, height) * width + x] / 255f);
                rows[y * width + x] = (float)sum;
            }
        }
        var half = new float[h * w];
        for (int y = 0; y < h; y++)
        {
            for (int x = 0; x < w; x++)
            {
                double sum = 0;
                for (int k = 0; k < Taps; k++)
                    sum += (double)HalfWeights[k] * rows[y * width + Mirror(2 * x - 3 + k, width)];
                half[y * w + x] = (float)sum * 255f;
            }
        }
        return new NiqePlane(h, w, half);
    }

    /// <summary>
    /// Local mean and deviation under a 7x7 window, edges repeated; and (value - mean) / (deviation + 1), the "mean
    /// subtracted, contrast normalised" coefficients of equation 1.
    /// </summary>
    public (NiqePlane Normalised, NiqePlane Deviation) Normalise(double[] window)
    {
        var normalised = new float[values.Length];
        var deviation = new float[values.Length];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double mean = 0,
                    square = 0;
                for (int i = 0; i < 7; i++)
                {
                    int row = Math.Clamp(y + i - 3, 0, height - 1) * width;
                    for (int j = 0; j < 7; j++)
                    {
                        float value = values[row + Math.Clamp(x + j - 3, 0, width - 1)];
                        mean += window[i * 7 + j] * value;
                        square += window[i * 7 + j] * (value * value);
                    }
                }
                int at = y * width + x;
                float m = (float)mean;
                float s = MathF.Sqrt(MathF.Abs((float)square - m * m));
                deviation[at] = s;
                normalised[at] = (values[at] - m) / (s + 1);
            }
        }
        return (new NiqePlane(height, width, normalised), new NiqePlane(height, width, deviation));
    }

    private static int Mirror(int i, int length) =>
        i < 0 ? -1 - i
        : i >= length ? 2 * length - 1 - i
        : i;

    private static float[] MakeHalfWeights()
    {
        // Output pixel y covers inputs 2y and 2y+1; its centre lies at 2y + 0.5.
        double[] weights = [.. Enumerable.Range(-3, Taps).Select(i => Cubic((i - 0.5) / 2) / 2)];
        double sum = weights.Sum();
        return [.. weights.Select(w => (float)(w / sum))];
    }

    private static double Cubic(double x)
    {
        x = Math.Abs(x);
        return x <= 1 ? (1.5 * x - 2.5) * x * x + 1
            : x <= 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2
            : 0;
    }
}
