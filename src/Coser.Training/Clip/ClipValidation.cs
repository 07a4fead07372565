using Coser.Networks.Clip;
using Coser.Training.Captions;
using Coser.Training.Data;
using static TorchSharp.torch;

namespace Coser.Training.Clip;

/// <summary>Judges a CLIP pair on the validation photos: retrieval both ways, and labels it was never told to tell apart.</summary>
internal sealed class ClipValidation(ClipRecipe recipe, PhotoIndex data, CaptionIndex captions, ClipSamples samples)
{
    private const int Batch = 64;

    private readonly IReadOnlyList<PhotoEntry> _photos = captions.Split(data, "validation");

    private readonly string[] _labels =
    [
        .. data.Split("train")
            .Where(p => p.Label.Length > 0)
            .GroupBy(p => p.Label, StringComparer.Ordinal)
            .Where(g => g.Count() >= recipe.MinPhotos)
            .Select(g => g.Key)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Figures by name.</summary>
    /// <param name="clip">In float32, on the device.</param>
    public IReadOnlyDictionary<string, double> Judge(ClipModel clip, Device device)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor tokens = samples.Tokens([.. _photos.Select(p => captions[p.File][0])]);
        Tensor images = Images(clip, device, _ => null);
        Tensor texts = clip.EmbedText(tokens.to(device)).cpu();
        Tensor scores = ClipSimilarity.CosineMatrix(images, texts);
        Tensor positives = ContrastiveLoss.Positives(tokens, labels: null);
        Tensor toText = Retrieval.Places(scores, positives);
        Tensor toImage = Retrieval.Places(scores.transpose(0, 1), positives);
        var figures = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["text_recall1"] = Retrieval.Recall(toText, 1),
            ["text_recall5"] = Retrieval.Recall(toText, 5),
            ["image_recall1"] = Retrieval.Recall(toImage, 1),
            ["image_recall5"] = Retrieval.Recall(toImage, 5),
            ["margin"] = Retrieval.Margin(scores, positives),
        };
        int[] known = [.. Enumerable.Range(0, _photos.Count).Where(i => _labels.Contains(_photos[i].Label))];
        if (_labels.Length < 2 || known.Length == 0)
            return figures;
        Tensor names = clip.EmbedText(
                samples.Tokens([.. _labels.Select(l => "a photo of " + LabelWords.Phrase(l))]).to(device)
            )
            .cpu();
        (figures["label_top1"], figures["label_top5"]) = Labels(images, names, known);
        if (recipe.DegradedShare > 0)
            (figures["degraded_top1"], figures["degraded_top5"]) = Labels(
                Images(clip, device, i => recipe.Training.Seed + (ulong)i),
                names,
                known
            );
        return figures;
    }

    private (double Top1, double Top5) Labels(Tensor images, Tensor names, int[] known)
    {
        using var scope = NewDisposeScope();
        Tensor rows = tensor(known.Select(i => (long)i).ToArray());
        Tensor scores = ClipSimilarity.CosineMatrix(images.index_select(0, rows), names);
        Tensor truth = tensor(known.Select(i => (long)Array.IndexOf(_labels, _photos[i].Label)).ToArray());
        Tensor positives = truth.unsqueeze(1).eq(arange(_labels.Length).unsqueeze(0));
        Tensor places = Retrieval.Places(scores, positives);
        return (Retrieval.Recall(places, 1), Retrieval.Recall(places, 5));
    }

    // [N,C], of length 1, on the CPU.
    private Tensor Images(ClipModel clip, Device device, Func<int, ulong?> degradedBy)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        foreach (int[] chunk in Enumerable.Range(0, _photos.Count).Chunk(Batch))
        {
            using var inner = NewDisposeScope();
            Tensor batch = cat([.. chunk.Select(i => samples.Whole(data, _photos[i], degradedBy(i)))]);
            parts.Add(clip.EmbedImage(batch.to(device)).cpu().MoveToOuterDisposeScope());
        }
        return cat(parts).MoveToOuterDisposeScope();
    }
}
