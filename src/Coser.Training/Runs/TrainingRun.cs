using System.Diagnostics;
using Coser.Checkpoints;
using Coser.Training.Data;
using Coser.Training.Optimisation;
using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>How a run stands, reported as it goes.</summary>
/// <param name="Loss">Mean since the last report.</param>
/// <param name="StepsPerSecond">Since the last report.</param>
/// <param name="Waiting">Share of that time spent waiting for data, 0 to 1.</param>
public sealed record TrainingProgress(
    long Step,
    long Steps,
    double Loss,
    double LearningRate,
    double GradientNorm,
    double StepsPerSecond,
    double Waiting,
    IReadOnlyDictionary<string, double>? Validation
);

/// <summary>The loop every stage shares: batches, updates, averages, checkpoints, validation, resume.</summary>
public sealed class TrainingRun : IDisposable
{
    /// <summary>File of a checkpoint that holds the averaged weights.</summary>
    public const string AverageName = "average.safetensors";

    private const string OptimiserName = "optimiser.safetensors";
    private const string AdversaryName = "adversary.safetensors";
    private readonly ITrainingStage _stage;
    private readonly TrainingSettings _settings;
    private readonly RunFolder _folder;
    private readonly AdamW _optimiser;
    private readonly AdamW? _adversary;
    private readonly ExponentialAverage _average;
    private CheckpointState _state;

    /// <summary>Starts anew, or goes on from the newest checkpoint of the folder.</summary>
    /// <param name="initial">Weights to start a new run from, by parameter name; null: the network's own initialisation.</param>
    /// <exception cref="InvalidDataException">The folder belongs to another stage.</exception>
    public TrainingRun(
        ITrainingStage stage,
        TrainingSettings settings,
        RunFolder folder,
        SafetensorsFile? initial = null
    )
    {
        (_stage, _settings, _folder) = (stage, settings, folder);
        _optimiser = Optimiser(stage.Parameters, settings);
        _adversary = stage.Adversary is null ? null : Optimiser(stage.Adversary.Parameters, settings);
        if (initial is not null)
            _optimiser.SetMasters(initial.Read);
        _average = new ExponentialAverage(_optimiser.Masters, settings.AverageDecay);
        _state = new CheckpointState { Stage = stage.Name };
        if (folder.Checkpoints() is [.., var newest])
            Resume(newest);
    }

    /// <summary>Steps done.</summary>
    public long Step => _state.Step;

    /// <summary>Seconds of training so far, over all sessions.</summary>
    public double Seconds => _state.Seconds;

    /// <summary>The averaged weights.</summary>
    public IReadOnlyDictionary<string, Tensor> Weights => _average.Averages;

    /// <summary>Trains until the recipe's last step, the time limit or cancellation; always leaves a checkpoint.</summary>
    public void Train(TimeSpan? limit, IProgress<TrainingProgress>? progress, CancellationToken cancel)
    {
        if (_state.Step >= _settings.Steps)
            return;
        using var batches = new Prefetcher<TrainingBatch>(_stage.MakeBatch, _state.Step, _settings.Workers, ahead: 4);
        var clock = Stopwatch.StartNew();
        double before = _state.Seconds;
        TimeSpan saved = TimeSpan.Zero;
        var window = new Window();
        while (_state.Step < _settings.Steps && !cancel.IsCancellationRequested && !(clock.Elapsed >= limit))
        {
            using TrainingBatch batch = batches.Next();
            double rate = _settings.LearningRate.At(_state.Step, _settings.Steps);
            OneStep(batch, rate, window);
            _state = _state with { Step = _state.Step + 1, Seconds = before + clock.Elapsed.TotalSeconds };
            bool last = _state.Step == _settings.Steps;
            bool validate = last || _state.Step % _settings.ValidateEvery == 0;
            if (validate || _state.Step % _settings.LogEvery == 0)
                Report(window, rate, batches.Waited, validate, progress);
            if (clock.Elapsed - saved >= TimeSpan.FromMinutes(_settings.CheckpointMinutes))
            {
                Save();
                saved = clock.Elapsed;
            }
        }
        Save();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _average.Dispose();
        _adversary?.Dispose();
        _optimiser.Dispose();
    }

    private static AdamW Optimiser(
        IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter)> parameters,
        TrainingSettings settings
    ) => new(parameters, settings.Beta1, settings.Beta2, weightDecay: settings.WeightDecay);

    // A loss or gradient that is not finite spoils the moments for good: such a step is skipped and counted.
    private void OneStep(TrainingBatch batch, double rate, Window window)
    {
        using var scope = NewDisposeScope();
        _optimiser.ZeroGradients();
        _adversary?.ZeroGradients();
        StageLoss loss = _stage.Loss(batch.To(_stage.Compute.Device), _state.Step);
        loss.Total.backward();
        loss.Adversary?.backward();
        double value = loss.Total.item<float>() + (loss.Adversary?.item<float>() ?? 0);
        double norm = _optimiser.GradientNorm();
        double opposed = _adversary?.GradientNorm() ?? 0;
        if (!double.IsFinite(value + norm + opposed))
        {
            _state = _state with { Skipped = _state.Skipped + 1 };
            window.AddSkipped();
            return;
        }
        _optimiser.Update(rate, Clipping(norm));
        if (loss.Adversary is not null)
            _adversary!.Update(_stage.Adversary!.LearningRate.At(_state.Step, _settings.Steps), Clipping(opposed));
        _optimiser.ZeroGradients();
        _adversary?.ZeroGradients();
        _average.Update(_optimiser.Masters);
        window.Add(
            loss.Total.item<float>(),
            norm,
            loss.Adversary is null ? loss.Terms : [.. loss.Terms, ("adversary", loss.Adversary)]
        );
    }

    private double Clipping(double norm) =>
        _settings.ClipNorm > 0 ? Math.Min(1, _settings.ClipNorm / (norm + 1e-6)) : 1;

    private void Report(
        Window window,
        double rate,
        TimeSpan waited,
        bool validate,
        IProgress<TrainingProgress>? progress
    )
    {
        (double loss, double norm, double perSecond, double waiting) = window.Close(waited);
        IReadOnlyDictionary<string, double>? figures = null;
        if (validate)
        {
            using ValidationResult result = _stage.Validate(_average.Averages);
            figures = result.Metrics;
            if (result.Grid is not null)
                SampleGrid.Save(result.Grid, _folder.SamplePath(_state.Step));
        }
        var line = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["step"] = _state.Step,
            ["loss"] = loss,
            ["lr"] = rate,
            ["grad_norm"] = norm,
            ["samples_per_second"] = perSecond * _settings.Batch,
            ["waiting"] = waiting,
            ["skipped"] = _state.Skipped,
            ["seconds"] = _state.Seconds,
        };
        foreach ((string name, double value) in window.Terms())
            line["loss_" + name] = value;
        foreach ((string name, double value) in figures ?? new Dictionary<string, double>(StringComparer.Ordinal))
            line["val_" + name] = value;
        // JSON has no NaN; a window without one finite step logs none.
        _folder.Log(line.Where(v => v.Value is not double d || double.IsFinite(d)));
        progress?.Report(
            new TrainingProgress(_state.Step, _settings.Steps, loss, rate, norm, perSecond, waiting, figures)
        );
        window.Restart(waited); // validation is not training time
    }

    private void Save() =>
        _folder.SaveCheckpoint(
            _state with
            {
                Updates = _optimiser.Step,
                AverageUpdates = _average.Updates,
                AdversaryUpdates = _adversary?.Step ?? 0,
            },
            folder =>
            {
                SafetensorsWriter.Write(Path.Combine(folder, OptimiserName), _optimiser.State());
                SafetensorsWriter.Write(Path.Combine(folder, AverageName), _average.Averages);
                if (_adversary is not null)
                    SafetensorsWriter.Write(Path.Combine(folder, AdversaryName), _adversary.State());
            },
            _settings.KeepCheckpoints
        );

    private void Resume(string checkpoint)
    {
        _state = RunFolder.ReadState(checkpoint);
        if (_state.Stage != _stage.Name)
            throw new InvalidDataException($"{checkpoint}: it belongs to stage '{_state.Stage}', not '{_stage.Name}'.");
        Restore(_optimiser, OptimiserName, _state.Updates);
        if (_adversary is not null)
            Restore(_adversary, AdversaryName, _state.AdversaryUpdates);
        using SafetensorsFile average = SafetensorsFile.Open(Path.Combine(checkpoint, AverageName));
        _average.Restore(average.Read, _state.AverageUpdates);

        void Restore(AdamW optimiser, string name, long updates)
        {
            using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(checkpoint, name));
            optimiser.Restore(file.Read, updates);
        }
    }

    // Means over the steps since the last report.
    private sealed class Window
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private double _loss;
        private double _norm;
        private int _finite;
        private int _steps;
        private TimeSpan _waitedBefore;
        private readonly Dictionary<string, (double Sum, int Count)> _terms = new(StringComparer.Ordinal);

        public void Add(double loss, double norm, IReadOnlyList<(string Name, Tensor Value)> terms)
        {
            _steps++;
            _finite++;
            _loss += loss;
            _norm += norm;
            foreach ((string name, Tensor value) in terms)
            {
                (double sum, int count) = _terms.GetValueOrDefault(name);
                _terms[name] = (sum + value.item<float>(), count + 1);
            }
        }

        public void AddSkipped() => _steps++;

        public IEnumerable<(string Name, double Mean)> Terms() =>
            _terms.Select(t => (t.Key, t.Value.Sum / t.Value.Count));

        public (double Loss, double Norm, double PerSecond, double Waiting) Close(TimeSpan waited)
        {
            double seconds = _clock.Elapsed.TotalSeconds;
            return (
                _loss / _finite,
                _norm / _finite,
                _steps / seconds,
                (waited - _waitedBefore).TotalSeconds / seconds
            );
        }

        public void Restart(TimeSpan waited)
        {
            (_loss, _norm, _finite, _steps, _waitedBefore) = (0, 0, 0, 0, waited);
            _terms.Clear();
            _clock.Restart();
        }
    }
}
