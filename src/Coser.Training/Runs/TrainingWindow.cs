using System.Diagnostics;

namespace Coser.Training.Runs;

/// <summary>What has been summed since the last line of metrics.jsonl; part of a checkpoint.</summary>
public sealed record WindowSums
{
    /// <summary>Sum of the losses.</summary>
    public double Loss { get; init; }

    /// <summary>Sum of the gradient norms.</summary>
    public double Norm { get; init; }

    /// <summary>Steps in these sums: those that were not skipped.</summary>
    public int Steps { get; init; }

    /// <summary>Sums of the loss's terms.</summary>
    public IReadOnlyDictionary<string, TermSum> Terms { get; init; } =
        new Dictionary<string, TermSum>(StringComparer.Ordinal);
}

/// <summary>Sum of a term.</summary>
/// <param name="Count">Steps that had it.</param>
public sealed record TermSum(double Sum, int Count);

/// <summary>One step's means over its micro-batches.</summary>
internal sealed class StepMeans(int microBatches)
{
    private readonly Dictionary<string, TermSum> _terms = new(StringComparer.Ordinal);

    /// <summary>Of the stage's own loss.</summary>
    public double Loss { get; private set; }

    /// <summary>Of the adversary's.</summary>
    public double Opposed { get; private set; }

    /// <summary>Whether the adversary took part.</summary>
    public bool HasAdversary { get; private set; }

    public IEnumerable<(string Name, double Value)> Terms => _terms.Select(t => (t.Key, t.Value.Sum / t.Value.Count));

    public void Add(StageLoss loss)
    {
        Loss += loss.Total.item<float>() / microBatches;
        foreach ((string name, TorchSharp.torch.Tensor value) in loss.Terms)
            Add(name, value.item<float>());
        if (loss.Adversary is null)
            return;
        HasAdversary = true;
        double opposed = loss.Adversary.item<float>();
        Opposed += opposed / microBatches;
        Add("adversary", opposed);
    }

    private void Add(string name, double value)
    {
        TermSum before = _terms.GetValueOrDefault(name) ?? new TermSum(0, 0);
        _terms[name] = new TermSum(before.Sum + value, before.Count + 1);
    }
}

/// <summary>Means over the steps since the last report. Its sums outlive the process, its clock does not.</summary>
internal sealed class TrainingWindow
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, TermSum> _terms;
    private double _loss;
    private double _norm;
    private int _finite;
    private int _steps;
    private TimeSpan _waitedBefore;

    public TrainingWindow(WindowSums? sums)
    {
        sums ??= new WindowSums();
        (_loss, _norm, _finite) = (sums.Loss, sums.Norm, sums.Steps);
        _terms = new Dictionary<string, TermSum>(sums.Terms, StringComparer.Ordinal);
    }

    public WindowSums Sums =>
        new()
        {
            Loss = _loss,
            Norm = _norm,
            Steps = _finite,
            Terms = new Dictionary<string, TermSum>(_terms, StringComparer.Ordinal),
        };

    public void Add(StepMeans step, double norm)
    {
        _steps++;
        _finite++;
        _loss += step.Loss;
        _norm += norm;
        foreach ((string name, double value) in step.Terms.Where(t => double.IsFinite(t.Value)))
        {
            TermSum before = _terms.GetValueOrDefault(name) ?? new TermSum(0, 0);
            _terms[name] = new TermSum(before.Sum + value, before.Count + 1);
        }
    }

    public void AddSkipped() => _steps++;

    public IEnumerable<(string Name, double Mean)> Terms() => _terms.Select(t => (t.Key, t.Value.Sum / t.Value.Count));

    /// <summary>Mean loss and gradient norm: NaN when every step was skipped.</summary>
    public (double Loss, double Norm) Means() => (_loss / _finite, _norm / _finite);

    /// <summary>Steps a second and the share of time spent waiting, both of this process.</summary>
    public (double PerSecond, double Waiting) Speed(TimeSpan waited)
    {
        double seconds = Math.Max(_clock.Elapsed.TotalSeconds, 1e-9);
        return (_steps / seconds, (waited - _waitedBefore).TotalSeconds / seconds);
    }

    public void Restart(TimeSpan waited)
    {
        (_loss, _norm, _finite, _steps, _waitedBefore) = (0, 0, 0, 0, waited);
        _terms.Clear();
        _clock.Restart();
    }
}
