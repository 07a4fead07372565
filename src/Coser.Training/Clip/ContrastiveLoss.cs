using static TorchSharp.torch;

namespace Coser.Training.Clip;

/// <summary>
/// CLIP's symmetric contrastive loss (Radford et al., ICML 2021, figure 3) with several positives a row: the target is spread
/// evenly over them (as in supervised contrastive learning, Khosla et al., NeurIPS 2020).
/// </summary>
public static class ContrastiveLoss
{
    /// <summary>Largest logarithm of the inverse temperature, as in CLIP: a factor of 100.</summary>
    public static readonly double MaxLogScale = Math.Log(100);

    /// <summary>Which texts are true of which photos.</summary>
    /// <param name="tokens">Ids [B,T], int64: texts of equal ids match.</param>
    /// <param name="labels">[B], int64: equal labels of at least 0 match; null: labels do not count.</param>
    /// <returns>[B,B], bool, symmetric, true on the diagonal.</returns>
    public static Tensor Positives(Tensor tokens, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        Tensor equal = tokens.unsqueeze(1).eq(tokens.unsqueeze(0)).all(dim: -1);
        if (labels is not null)
            equal = equal.logical_or(
                labels.unsqueeze(1).eq(labels.unsqueeze(0)).logical_and(labels.unsqueeze(1).ge(0))
            );
        return equal.MoveToOuterDisposeScope();
    }

    /// <summary>The mean of both directions' cross-entropies.</summary>
    /// <param name="images">[B,C], rows of length 1, float32.</param>
    /// <param name="texts">[B,C], rows of length 1, float32.</param>
    /// <param name="logScale">Scalar, clamped to <see cref="MaxLogScale"/>; above it, it gets no gradient.</param>
    /// <param name="positives">Of <see cref="Positives"/>.</param>
    /// <returns>Scalar, float32.</returns>
    public static Tensor Of(Tensor images, Tensor texts, Tensor logScale, Tensor positives)
    {
        using var scope = NewDisposeScope();
        Tensor scale = logScale.to(float32).clamp_max(MaxLogScale).exp();
        Tensor logits = matmul(images, texts.transpose(0, 1)) * scale;
        Tensor target = positives.to(float32);
        target = target / target.sum(1, keepdim: true);
        return ((Direction(logits, target) + Direction(logits.transpose(0, 1), target)) / 2).MoveToOuterDisposeScope();
    }

    private static Tensor Direction(Tensor logits, Tensor target) =>
        -(target * nn.functional.log_softmax(logits, dim: 1)).sum(1).mean();
}
