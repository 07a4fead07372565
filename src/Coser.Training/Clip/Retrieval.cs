using static TorchSharp.torch;

namespace Coser.Training.Clip;

/// <summary>How well photos and captions find each other.</summary>
internal static class Retrieval
{
    /// <summary>The place of the best true match of each row, from 0; ties count against it.</summary>
    /// <param name="scores">[A,B].</param>
    /// <param name="positives">[A,B], bool, at least one true a row.</param>
    /// <returns>[A], int64.</returns>
    public static Tensor Places(Tensor scores, Tensor positives)
    {
        using var scope = NewDisposeScope();
        Tensor best = scores.masked_fill(positives.logical_not(), float.NegativeInfinity).amax([1], keepdim: true);
        return scores.ge(best).logical_and(positives.logical_not()).sum(1).MoveToOuterDisposeScope();
    }

    /// <summary>Share of the places below <paramref name="count"/>, 0 to 1.</summary>
    public static double Recall(Tensor places, int count)
    {
        using Tensor found = places.lt(count);
        using Tensor numbers = found.to(float64);
        using Tensor share = numbers.mean();
        return share.item<double>();
    }

    /// <summary>Mean score of the true pairs less that of the others.</summary>
    public static double Margin(Tensor scores, Tensor positives)
    {
        using var scope = NewDisposeScope();
        Tensor others = scores.masked_select(positives.logical_not());
        double mean = scores.masked_select(positives).mean().item<float>();
        return others.numel() == 0 ? mean : mean - others.mean().item<float>();
    }
}
