using Coser.Metrics.Catalogue;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>
/// How much a method's results depend on its seed (G-STD and L-STD, Sun et al. 2023, "CCSR"): two restorations of one photo
/// should not tell different stories.
/// </summary>
/// <param name="Method">Its name.</param>
/// <param name="Seeds">How many seeds were run.</param>
/// <param name="Global">By metric key: the standard deviation of a figure over seeds, averaged over images.</param>
/// <param name="Local">The standard deviation of a value over seeds, averaged over pixels, channels and images; levels of
/// 0-255.</param>
public sealed record Stability(string Method, int Seeds, IReadOnlyDictionary<string, double> Global, double Local)
{
    /// <summary>Of the rows and images of several seeds.</summary>
    /// <param name="rows">By seed: a row an image, in the same order.</param>
    /// <param name="files">By image: its file of every seed.</param>
    internal static Stability Of(
        string method,
        IReadOnlyList<MetricInfo> metrics,
        IReadOnlyList<IReadOnlyList<EvaluationRow>> rows,
        IReadOnlyList<IReadOnlyList<string>> files
    )
    {
        var global = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (MetricInfo metric in metrics)
        {
            double[] deviations =
            [
                .. Enumerable
                    .Range(0, files.Count)
                    .Select(image => rows.Select(seed => seed[image]).ToArray())
                    .Where(r => r.All(row => row.Values.ContainsKey(metric.Key)))
                    .Select(r => Deviation([.. r.Select(row => row.Values[metric.Key])])),
            ];
            if (deviations.Length > 0)
                global[metric.Key] = deviations.Average();
        }
        return new Stability(method, rows.Count, global, files.Average(Local255));
    }

    private static double Deviation(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
    }

    private static double Local255(IReadOnlyList<string> files)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor all = cat([.. files.Select(PhotoTensor.Read)]); // [seeds,3,H,W]
        return all.std(0, unbiased: true).mean().item<float>() * 255;
    }
}
