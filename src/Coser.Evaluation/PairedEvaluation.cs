using System.Diagnostics;
using Coser.Imaging;
using Coser.Metrics;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>Figures of one method on one image.</summary>
/// <param name="Values">By metric name.</param>
/// <param name="Seconds">Time of the restoration alone.</param>
public sealed record EvaluationRow(
    string Method,
    string Image,
    IReadOnlyDictionary<string, double> Values,
    double Seconds
);

/// <summary>
/// Compares methods on pairs of LR and HR images of equal names. The restored image is rounded to 8 bits before it is
/// measured, as a file would be.
/// </summary>
public sealed class PairedEvaluation
{
    private readonly List<(string Name, string Lr, string Hr)> _pairs;

    /// <param name="border">HR pixels cut from every side before measuring.</param>
    /// <exception cref="InvalidDataException">A folder is missing or empty, or an image has no partner; the message names it.</exception>
    public PairedEvaluation(string lrFolder, string hrFolder, int border = 0)
    {
        Border = border;
        _pairs = Pair(lrFolder, hrFolder);
        Protocol =
            $"{_pairs.Count} pairs ({lrFolder} -> {hrFolder}); whole images, border {border}; rounded to 8 bits; "
            + "PSNR on RGB and on Y (BT.601 studio range), 10 log10(1/(mse+1e-8)); "
            + "SSIM on Y, 11x11 Gaussian sigma 1.5, valid windows, float64";
    }

    /// <summary>HR pixels cut from every side.</summary>
    public int Border { get; }

    /// <summary>The conventions behind the figures, in one line.</summary>
    public string Protocol { get; }

    /// <summary>Number of pairs.</summary>
    public int Count => _pairs.Count;

    /// <summary>Restores and measures, image by image, all methods on each.</summary>
    public IEnumerable<EvaluationRow> Run(IReadOnlyList<IRestorationMethod> methods, CancellationToken cancel = default)
    {
        foreach ((string name, string lr, string hr) in _pairs)
        {
            foreach (IRestorationMethod method in methods)
            {
                cancel.ThrowIfCancellationRequested();
                yield return Measure(method, name, lr, hr);
            }
        }
    }

    private EvaluationRow Measure(IRestorationMethod method, string name, string lrPath, string hrPath)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Photo photo = Photo.Open(hrPath);
        Tensor hr = photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
        var clock = Stopwatch.StartNew();
        Tensor restored = method.Restore(lrPath);
        double seconds = clock.Elapsed.TotalSeconds;
        if (!restored.shape.SequenceEqual(hr.shape))
        {
            throw new InvalidDataException(
                $"{lrPath}: {method.Name} gives {restored.shape[3]}x{restored.shape[2]}, "
                    + $"but {hrPath} is {hr.shape[3]}x{hr.shape[2]}."
            );
        }
        Tensor sr = (restored * 255).round() / 255;
        var luma = new PixelMetricOptions { Colour = MetricColour.Y, Border = Border };
        var values = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["psnr_rgb"] = Psnr.Compute(sr, hr, new PixelMetricOptions { Border = Border }),
            ["psnr_y"] = Psnr.Compute(sr, hr, luma),
            ["ssim_y"] = Ssim.Compute(sr, hr, luma with { RoundY = true }),
        };
        return new EvaluationRow(method.Name, name, values, seconds);
    }

    private static List<(string, string, string)> Pair(string lrFolder, string hrFolder)
    {
        Dictionary<string, string> hr = ByName(hrFolder);
        Dictionary<string, string> lr = ByName(lrFolder);
        string[] alone = [.. lr.Keys.Except(hr.Keys).Concat(hr.Keys.Except(lr.Keys))];
        if (alone.Length > 0)
            throw new InvalidDataException(
                $"{lrFolder} and {hrFolder} differ: no partner for {string.Join(", ", alone.Take(3))}"
            );
        return [.. lr.Keys.Order(StringComparer.Ordinal).Select(n => (n, lr[n], hr[n]))];
    }

    private static Dictionary<string, string> ByName(string folder)
    {
        if (!Directory.Exists(folder))
            throw new InvalidDataException($"{folder}: no such folder.");
        Dictionary<string, string> files = Directory
            .EnumerateFiles(folder)
            .Where(f => PhotoFormats.IsReadable(f))
            .ToDictionary(f => Path.GetFileNameWithoutExtension(f), StringComparer.Ordinal);
        return files.Count > 0 ? files : throw new InvalidDataException($"{folder}: it holds no image.");
    }
}
