using Coser.Training.Degradation;
using Coser.Training.Latents;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Training.Wrapping;

/// <summary>
/// Views with little contrast. Photos that are smooth all over are rare in training, and group normalisation makes their faint
/// differences as large as any other's: a decoder that never saw them paints its own grid over them.
/// </summary>
internal static class CalmViews
{
    private const double Least = 0.02;
    private const double Most = 0.7;

    /// <summary>Each pair drawn towards its mean colour by a factor of its own, uniform in its logarithm.</summary>
    /// <param name="batch">With <paramref name="truth"/>, its <see cref="LatentSet.Lr"/> photo and perhaps more.</param>
    /// <param name="truth">Name of the sharp views.</param>
    /// <returns>New tensors [B,3,H,W] and [B,3,h,w], about [0,1].</returns>
    public static (Tensor Truth, Tensor Lr) Of(TrainingBatch batch, string truth, SeededDraws draws)
    {
        Tensor sharp = batch[truth];
        float[] drawn =
        [
            .. Enumerable
                .Range(0, (int)sharp.shape[0])
                .Select(_ => (float)Math.Exp(draws.Uniform(Math.Log(Least), Math.Log(Most)))),
        ];
        Tensor factors = tensor(drawn, device: sharp.device).reshape(-1, 1, 1, 1);
        Tensor mean = sharp.mean([2, 3], keepdim: true);
        return (mean + (sharp - mean) * factors, mean + (batch[LatentSet.Lr] - mean) * factors);
    }
}
