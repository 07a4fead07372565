using System.Text.Json.Serialization;
using Coser.Engine;
using Coser.Training.Optimisation;

namespace Coser.Training.Runs;

/// <summary>What every stage's recipe has: the loop's own settings.</summary>
public sealed record TrainingSettings
{
    /// <summary>Seed of the sample order, the crops and the degradation.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Samples that are computed at once.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>
    /// Batches whose gradients are averaged into one step, at the memory of one; at least 1. Batch 8 accumulated twice takes
    /// the samples, and but for rounding the step, of batch 16; what a stage computes across a batch (contrastive losses)
    /// sees one batch at a time.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Steps of the whole run; the learning rate is planned over them.</summary>
    public long Steps { get; init; } = 10_000;

    /// <summary>Learning rate by step.</summary>
    public LearningRate LearningRate { get; init; } = new();

    /// <summary>AdamW's decay of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay of the second moment.</summary>
    public double Beta2 { get; init; } = 0.99;

    /// <summary>AdamW's decoupled weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether the decay also pulls at parameters of one dimension or none: biases, the scales of norms.</summary>
    public bool DecayVectors { get; init; } = true;

    /// <summary>Gradients of a larger norm are scaled down to it; 0: never.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Decay of the weight average that is validated and exported.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>Compute in bfloat16 with float32 masters. Null: where the processor multiplies it in hardware.</summary>
    public bool? Bf16 { get; init; }

    /// <summary><see cref="Bf16"/> as a wish.</summary>
    [JsonIgnore]
    public Precision Precision =>
        Bf16 switch
        {
            null => Precision.Auto,
            true => Precision.Bf16,
            false => Precision.Fp32,
        };

    /// <summary>Steps between lines in metrics.jsonl.</summary>
    public int LogEvery { get; init; } = 50;

    /// <summary>Steps between validations.</summary>
    public int ValidateEvery { get; init; } = 1000;

    /// <summary>Minutes between checkpoints.</summary>
    public double CheckpointMinutes { get; init; } = 10;

    /// <summary>Checkpoints kept, the newest ones.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>
    /// Figure of the validations by which the best averaged weights are kept under <c>best/</c>, e.g. "psnr". Null: none.
    /// </summary>
    public string? BestMetric { get; init; }

    /// <summary>Whether a lower <see cref="BestMetric"/> is a better one.</summary>
    public bool BestIsLower { get; init; }

    /// <summary>Threads that make batches.</summary>
    public int Workers { get; init; } = 1;
}
