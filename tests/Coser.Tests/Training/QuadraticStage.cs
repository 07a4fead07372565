using Coser.Engine;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

/// <summary>
/// A linear network that learns a fixed one, by samples that are functions of their number alone: batch k of size b holds
/// the samples k b to (k + 1) b - 1, whatever b is.
/// </summary>
internal sealed class QuadraticStage : ITrainingStage
{
    private const int Inputs = 5;
    private readonly int _batch;
    private readonly TorchSharp.Modules.Parameter _matrix;
    private readonly TorchSharp.Modules.Parameter _bias;
    private readonly Tensor _truth = Draw.Normal(17, Inputs, 2);

    public QuadraticStage(int batch, ScalarType? type = null)
    {
        _batch = batch;
        _matrix = new TorchSharp.Modules.Parameter(Draw.Normal(18, Inputs, 2).to(type ?? float32));
        _bias = new TorchSharp.Modules.Parameter(ones(2).to(type ?? float32));
    }

    public string Name => "quadratic";

    public Compute Compute { get; } = new(CPU, float32);

    /// <summary>The figures of the validations, one after the other.</summary>
    public Queue<double> Scores { get; } = new();

    public IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter)> Parameters =>
        [("matrix", _matrix), ("bias", _bias)];

    public TrainingBatch MakeBatch(long index)
    {
        using var scope = NewDisposeScope();
        Tensor[] samples =
        [
            .. Enumerable.Range(0, _batch).Select(i => Draw.Normal(100 + index * _batch + i, 1, Inputs)),
        ];
        return new(new Dictionary<string, Tensor> { ["x"] = cat(samples).DetachFromDisposeScope() });
    }

    public StageLoss Loss(TrainingBatch batch, long stepsDone)
    {
        Tensor x = batch["x"];
        Tensor painted = x.to(_matrix.dtype).mm(_matrix) + _bias;
        Tensor loss = (painted.to(float32) - x.mm(_truth)).square().mean();
        return new(loss, ("twice", loss.detach() * 2));
    }

    public ValidationResult Validate(IReadOnlyDictionary<string, Tensor> weights)
    {
        using Tensor difference = (weights["matrix"] - _truth).square().mean();
        double score = Scores.TryDequeue(out double given) ? given : difference.item<float>();
        return new(
            new Dictionary<string, double>(StringComparer.Ordinal) { ["score"] = score },
            rand(3, 8, 12).DetachFromDisposeScope()
        );
    }

    public IReadOnlyList<TrainedComponent> Components(IReadOnlyDictionary<string, Tensor> weights) => [];

    public void Dispose()
    {
        _matrix.Dispose();
        _bias.Dispose();
        _truth.Dispose();
    }
}
