using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Coser.Metrics.Catalogue;
using Coser.Metrics.Sets;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>
/// Restores and measures, image by image, all methods on each. Whatever is done is in the folder: a run that was killed goes
/// on where it was, and new metrics are measured on the images that are there.
/// </summary>
/// <param name="folder">Gets results.jsonl, images/ and features/.</param>
/// <param name="metrics">Kept, not owned.</param>
/// <param name="border">As the metrics', for the protocol line.</param>
public sealed class EvaluationRun(string folder, MetricSet metrics, int border = 0)
{
    private const int FewImages = 1000;

    /// <summary>Runs to the end.</summary>
    /// <param name="description">The protocol in a sentence.</param>
    /// <param name="progress">Called with rows done, rows in all, and what was just done.</param>
    /// <exception cref="InvalidDataException">A method's image has another size than the truth, or the folder holds a run of
    /// another protocol.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what is done stays.</exception>
    public EvaluationResult Run(
        string description,
        IReadOnlyList<EvaluationImage> images,
        IReadOnlyList<IRestorationMethod> methods,
        Action<int, int, string>? progress = null,
        CancellationToken cancel = default
    )
    {
        if (methods.GroupBy(m => m.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidDataException($"Two methods are named '{twice.Key}'.");
        using EvaluationLog log = Open(description);
        var rows = new List<EvaluationRow>();
        int all = images.Count * methods.Count;
        foreach (EvaluationImage image in images)
        {
            foreach (IRestorationMethod method in methods)
            {
                cancel.ThrowIfCancellationRequested();
                rows.Add(Row(log, method, image));
                progress?.Invoke(rows.Count, all, $"{image.Name} {method.Name}");
            }
        }
        MetricInfo[] shown =
        [
            .. metrics.Images.Select(m => m.Info).Where(i => rows.Exists(r => r.Values.ContainsKey(i.Key))),
        ];
        return new EvaluationResult(
            Line(description, images.Count, shown),
            images,
            [.. methods.Select(m => m.Name)],
            methods.ToDictionary(m => m.Name, m => m.Identity, StringComparer.Ordinal),
            rows,
            shown,
            [
                .. metrics.Sets.Select(s =>
                    (s.Info, (IReadOnlyDictionary<string, double>)SetFigure(s, images, methods, cancel))
                ),
            ],
            metrics.Absent,
            folder
        )
        {
            Description = description,
        };
    }

    /// <summary>Runs a method with several seeds, resumable like the rest, and tells how much its results vary.</summary>
    /// <param name="description">As in <see cref="Run"/>.</param>
    /// <param name="seeds">At least 2; the first is <paramref name="firstSeed"/>.</param>
    /// <returns>Null: the method draws nothing at random.</returns>
    /// <inheritdoc cref="Run"/>
    public Stability? Vary(
        string description,
        IReadOnlyList<EvaluationImage> images,
        IRestorationMethod method,
        long firstSeed,
        int seeds,
        Action<int, int, string>? progress = null,
        CancellationToken cancel = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 2);
        if (method.WithSeed(firstSeed) is null)
            return null;
        using EvaluationLog log = Open(description);
        var rows = new List<IReadOnlyList<EvaluationRow>>();
        var names = new List<string>();
        for (int i = 0; i < seeds; i++)
        {
            using IRestorationMethod seeded = method.WithSeed(firstSeed + i)!;
            using var named = new SeededMethod(seeded, $"{method.Name} seed {firstSeed + i}");
            names.Add(named.Name);
            var own = new List<EvaluationRow>();
            foreach (EvaluationImage image in images)
            {
                cancel.ThrowIfCancellationRequested();
                own.Add(Row(log, named, image));
                progress?.Invoke(i * images.Count + own.Count, seeds * images.Count, $"{image.Name} {named.Name}");
            }
            rows.Add(own);
        }
        return Stability.Of(
            method.Name,
            [.. metrics.Images.Select(m => m.Info)],
            rows,
            [.. images.Select(image => (IReadOnlyList<string>)[.. names.Select(n => ImageFile(n, image.Name))])]
        );
    }

    private EvaluationLog Open(string description)
    {
        Directory.CreateDirectory(folder);
        return EvaluationLog.Open(
            Path.Combine(folder, "results.jsonl"),
            string.Create(CultureInfo.InvariantCulture, $"{description}; border {border}; rounded to 8 bits")
        );
    }

    private EvaluationRow Row(EvaluationLog log, IRestorationMethod method, EvaluationImage image)
    {
        EvaluationRow? known = log.Find(method.Name, image.Name);
        string file = ImageFile(method.Name, image.Name);
        string source = method.SourceOf(image);
        string photos = ContentHash.Text(image.Hr is null ? [source] : [source, image.Hr]);
        if (known?.Identity != method.Identity || known.Photos != photos || !File.Exists(file))
            known = null;
        ImageMetric[] wanted =
        [
            .. metrics.Images.Where(m =>
                (image.Hr is not null || !m.NeedsTruth)
                && known?.Conventions.GetValueOrDefault(m.Info.Key) != m.Info.Convention
                && !(m.JudgesReference && known is not null)
            ),
        ];
        if (known is not null && wanted.Length == 0)
            return known;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (double seconds, double peak) = (known?.Seconds ?? 0, known?.PeakMegabytes ?? 0);
        Tensor restored;
        if (known is null)
        {
            PeakMemory.Reset();
            var clock = Stopwatch.StartNew();
            restored = PhotoTensor.Rounded(method.Restore(image));
            (seconds, peak) = (clock.Elapsed.TotalSeconds, PeakMemory.Megabytes());
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            PhotoTensor.Write(file, restored);
        }
        else
        {
            restored = PhotoTensor.Read(file);
        }
        Tensor truth = image.Hr is null ? restored : PhotoTensor.Read(image.Hr);
        if (!restored.shape.SequenceEqual(truth.shape))
            throw new InvalidDataException(
                $"{image.Lr}: {method.Name} gives {restored.shape[3]}x{restored.shape[2]}, "
                    + $"but {image.Hr} is {truth.shape[3]}x{truth.shape[2]}."
            );
        var values = new Dictionary<string, double>(
            known?.Values ?? new Dictionary<string, double>(),
            StringComparer.Ordinal
        );
        var conventions = new Dictionary<string, string>(
            known?.Conventions ?? new Dictionary<string, string>(),
            StringComparer.Ordinal
        );
        var notes = new Dictionary<string, IReadOnlyList<string>>(
            known?.Notes ?? new Dictionary<string, IReadOnlyList<string>>(),
            StringComparer.Ordinal
        );
        using Tensor? reference = known is null ? method.TakeReference() : null;
        foreach (ImageMetric metric in wanted)
        {
            // Only the restoration itself has the reference: it is judged then or never.
            if (metric.JudgesReference && reference is null)
                continue;
            conventions[metric.Info.Key] = metric.Info.Convention;
            values.Remove(metric.Info.Key);
            notes.Remove(metric.Info.Key);
            Tensor other = metric.ComparesInput && image.Hr is null ? Enlarged(image.Lr, restored) : truth;
            try
            {
                Measurement found = metric.Measure(metric.JudgesReference ? reference! : restored, other);
                if (!double.IsNaN(found.Value))
                    values[metric.Info.Key] = found.Value;
                if (found.Notes is { Count: > 0 } words)
                    notes[metric.Info.Key] = words;
            }
            catch (ArgumentException)
            {
                // Too small for this one: the figure is not there, and its mean says over how many images it is.
            }
        }
        var row = new EvaluationRow(
            method.Name,
            method.Identity,
            image.Name,
            values,
            conventions,
            seconds,
            peak,
            photos,
            notes.Count > 0 ? notes : null
        );
        log.Add(row);
        return row;
    }

    private static Tensor Enlarged(string lr, Tensor restored) =>
        nn
            .functional.interpolate(
                PhotoTensor.Read(lr),
                size: restored.shape[2..],
                mode: InterpolationMode.Bicubic,
                align_corners: false
            )
            .clamp(0, 1);

    private Dictionary<string, double> SetFigure(
        SetMetric metric,
        IReadOnlyList<EvaluationImage> images,
        IReadOnlyList<IRestorationMethod> methods,
        CancellationToken cancel
    )
    {
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        if (images.Count < 2 || metric.Judge is null && images.Any(i => i.Hr is null))
            return values;
        using FeatureStatistics? truth = metric.Judge is null
            ? Statistics(metric, [.. images.Select(i => i.Hr!)], cancel)
            : null;
        foreach (string method in methods.Select(m => m.Name))
        {
            using FeatureStatistics? own = Statistics(
                metric,
                [.. images.Select(i => ImageFile(method, i.Name))],
                cancel
            );
            if (own is not null)
                values[method] = metric.Judge?.Invoke(own) ?? FrechetDistance.Compute(own, truth!);
        }
        return values;
    }

    // Kept by what the files hold, so that a set is embedded once, whatever it is called.
    // Null: the images are too small for two vectors.
    private FeatureStatistics? Statistics(SetMetric metric, string[] files, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(metric.Network));
        foreach (string file in files)
            hash.AppendData(ContentHash.Of(file));
        string cache = Path.Combine(
            Directory.CreateDirectory(Path.Combine(folder, "features")).FullName,
            $"{metric.Info.Key}-{Convert.ToHexStringLower(hash.GetHashAndReset())[..24]}.safetensors"
        );
        if (File.Exists(cache))
            return FeatureStatistics.Load(cache);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var features = new List<Tensor>();
        foreach (string file in files)
        {
            cancel.ThrowIfCancellationRequested();
            using Tensor image = PhotoTensor.Read(file);
            features.Add(metric.Embed(image).cpu());
        }
        Tensor all = cat([.. features]);
        if (all.shape[0] < 2)
            return null;
        FeatureStatistics statistics = FeatureStatistics.Of(all);
        statistics.Save(cache);
        return statistics;
    }

    private string ImageFile(string method, string image) =>
        Path.Combine(folder, "images", FileName.Of(method), image + ".png");

    private string Line(string description, int count, MetricInfo[] shown)
    {
        string conventions = string.Join("; ", shown.Select(m => $"{m.Title}: {m.Convention}"));
        string few =
            metrics.Sets.Any(s => s.Judge is null) && count < FewImages
                ? $"; Frechet distances of {count} images are far above those of {FewImages} or more"
                : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{count} images; {description}; border {border}; RGB of sRGB, restored images rounded to 8 bits; {conventions}{few}"
        );
    }
}
