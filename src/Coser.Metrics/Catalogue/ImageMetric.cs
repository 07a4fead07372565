using Coser.Metrics.Sets;
using static TorchSharp.torch;

namespace Coser.Metrics.Catalogue;

/// <summary>What a report says of a metric.</summary>
/// <param name="Key">Name in files: <c>psnr_y</c>.</param>
/// <param name="Title">Name in tables.</param>
/// <param name="Better">Which way is better.</param>
/// <param name="Format">.NET format of its figures.</param>
/// <param name="Convention">How it is computed, in a clause.</param>
public sealed record MetricInfo(string Key, string Title, Better Better, string Format, string Convention);

/// <summary>Which figures are better.</summary>
public enum Better
{
    /// <summary>Higher ones.</summary>
    Higher,

    /// <summary>Lower ones.</summary>
    Lower,

    /// <summary>Those closer to 1.</summary>
    One,
}

/// <summary>What a metric found in one image.</summary>
/// <param name="Value">The figure; NaN: there is nothing to judge in this image.</param>
/// <param name="Notes">What was found, in words; null: the figure says all.</param>
public readonly record struct Measurement(double Value, IReadOnlyList<string>? Notes = null);

/// <summary>A figure of one restored image.</summary>
/// <param name="Info">What it is.</param>
/// <param name="NeedsTruth">Whether it compares with the true image.</param>
/// <param name="Measure">
/// Of the restored and the true image, [1,3,H,W] float32 in [0,1] each; the second is not looked at where no truth is
/// needed. Throws <see cref="ArgumentException"/> for an image that is too small.
/// </param>
/// <param name="JudgesReference">It judges, in the restored image's place, the reference that a method painted for itself, of any
/// size.</param>
/// <param name="ComparesInput">Where there is no truth, it compares with the enlarged LR image instead.</param>
public sealed record ImageMetric(
    MetricInfo Info,
    bool NeedsTruth,
    Func<Tensor, Tensor, Measurement> Measure,
    bool JudgesReference = false,
    bool ComparesInput = false
);

/// <summary>A figure of a whole set, from the statistics of its images' features.</summary>
/// <param name="Info">What it is.</param>
/// <param name="Embed">[1,3,H,W] float32 in [0,1] to [N,D]: vectors of one image.</param>
/// <param name="Network">Names what makes the features, and its weights: equal names give equal features.</param>
public sealed record SetMetric(MetricInfo Info, Func<Tensor, Tensor> Embed, string Network)
{
    /// <summary>Of a set alone; null: it is compared with the true images, by the Frechet distance.</summary>
    public Func<FeatureStatistics, double>? Judge { get; init; }
}

/// <summary>A metric that cannot be computed here.</summary>
/// <param name="Title">Its name in tables.</param>
/// <param name="Wanted">What it wants.</param>
public sealed record AbsentMetric(string Title, string Wanted);
