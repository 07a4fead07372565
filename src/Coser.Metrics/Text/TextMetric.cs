using System.Globalization;
using Coser.Metrics.Catalogue;
using static TorchSharp.torch;

namespace Coser.Metrics.Text;

/// <summary>
/// A warning, not a mark: how many words say something else after the restoration. Text that became unreadable does not
/// count; a sign that says something else is worse than a blurry one.
/// </summary>
public static class TextMetric
{
    /// <summary>Its name in files.</summary>
    public const string Key = "text_changed";

    /// <summary>Its name in tables.</summary>
    public const string Title = "changed words";

    private const int SmallestSide = 64;

    /// <summary>
    /// Words of the true image (where there is none, of the enlarged LR image) that read otherwise in the restored one, with
    /// what they were and are as notes. An image without readable text has no figure.
    /// </summary>
    public static ImageMetric Create(TesseractReader reader)
    {
        var truths = new LastTruth(reader);
        return new ImageMetric(
            new MetricInfo(
                Key,
                Title,
                Better.Lower,
                "0.00",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{reader.Version}, {reader.Language}; words of {TextComparison.Letters} letters or more, read with "
                        + $"{TextComparison.Sure} of 100 or more, now read otherwise; images with text alone"
                )
            ),
            NeedsTruth: false,
            (restored, truth) => Measure(reader, truths, restored, truth),
            ComparesInput: true
        );
    }

    private static Measurement Measure(TesseractReader reader, LastTruth truths, Tensor restored, Tensor truth)
    {
        if (Math.Min(truth.shape[2], truth.shape[3]) < SmallestSide)
            throw new ArgumentException(
                $"text is looked for in images of {SmallestSide} pixels or more",
                nameof(truth)
            );
        IReadOnlyList<TextWord> before = truths.Read(truth);
        // Nothing readable before: no need to read the other.
        if (TextComparison.Of(before, []).Readable == 0)
            return new Measurement(double.NaN);
        TextComparison comparison = TextComparison.Of(before, reader.Read(restored));
        return new Measurement(
            comparison.Changed.Count,
            [.. comparison.Changed.Select(c => $"\"{c.Before}\" reads \"{c.After}\"")]
        );
    }

    // All methods are measured on an image before the next one comes: its truth is read once.
    private sealed class LastTruth(TesseractReader reader)
    {
        private byte[] _pixels = [];
        private IReadOnlyList<TextWord> _words = [];

        public IReadOnlyList<TextWord> Read(Tensor truth)
        {
            using var scope = NewDisposeScope();
            byte[] pixels = (truth.cpu() * 255).round().to(uint8).contiguous().data<byte>().ToArray();
            if (!pixels.AsSpan().SequenceEqual(_pixels))
                (_words, _pixels) = (reader.Read(truth), pixels);
            return _words;
        }
    }
}
