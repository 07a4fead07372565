using Coser.Metrics.Catalogue;

namespace Coser.Evaluation.Reports;

/// <summary>A mean with its 95% interval.</summary>
/// <param name="Count">Images it is over.</param>
public readonly record struct MeanFigure(double Mean, double Low, double High, int Count);

/// <summary>Statistics over images.</summary>
public static class Summary
{
    private const int Resamples = 2000;

    /// <summary>
    /// The mean and its 95% bootstrap interval (Efron's percentiles of 2,000 resamples of images): the same figures give the
    /// same interval.
    /// </summary>
    public static MeanFigure Mean(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            return new(double.NaN, double.NaN, double.NaN, 0);
        var random = new SplitMix(0x5EED);
        var means = new double[Resamples];
        for (int i = 0; i < Resamples; i++)
        {
            double sum = 0;
            for (int j = 0; j < values.Count; j++)
                sum += values[random.Below(values.Count)];
            means[i] = sum / values.Count;
        }
        Array.Sort(means);
        return new(
            values.Average(),
            means[(int)(0.025 * Resamples)],
            means[(int)(0.975 * Resamples) - 1],
            values.Count
        );
    }

    /// <summary>Share of images on which one method is better than another; equal figures count half.</summary>
    /// <param name="pairs">The first's and the second's figure of each image.</param>
    public static double WinRate(IReadOnlyList<(double First, double Second)> pairs, Better better) =>
        pairs.Count == 0
            ? double.NaN
            : pairs.Average(p =>
            {
                int order = Cost(p.First, better).CompareTo(Cost(p.Second, better));
                return order < 0 ? 1.0
                    : order == 0 ? 0.5
                    : 0;
            });

    /// <summary>Lower is better, whatever the metric.</summary>
    public static double Cost(double value, Better better) =>
        better switch
        {
            Better.Higher => -value,
            Better.One => Math.Abs(value - 1),
            _ => value,
        };

    /// <summary>Place of each method by a figure, 0 the best; ties share a place; NaN has none.</summary>
    public static IReadOnlyDictionary<string, int> Places(IReadOnlyDictionary<string, double> figures, Better better)
    {
        double[] costs =
        [
            .. figures.Values.Where(v => !double.IsNaN(v)).Select(v => Cost(v, better)).Distinct().Order(),
        ];
        return figures
            .Where(f => !double.IsNaN(f.Value))
            .ToDictionary(f => f.Key, f => Array.IndexOf(costs, Cost(f.Value, better)), StringComparer.Ordinal);
    }

    // Steele, Lea and Flood, OOPSLA 2014: .NET's own generator need not stay the same.
    private struct SplitMix(ulong seed)
    {
        private ulong _state = seed;

        public int Below(int limit)
        {
            _state += 0x9E3779B97F4A7C15;
            ulong z = _state;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
            z = (z ^ z >> 27) * 0x94D049BB133111EB;
            z ^= z >> 31;
            return (int)((z >> 32) * (ulong)limit >> 32);
        }
    }
}
