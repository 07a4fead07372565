using System.Diagnostics;
using Coser.Checkpoints;
using Coser.Training.Data;
using Coser.Training.Optimisation;
using static TorchSharp.torch;

namespace Coser.Training.Runs;

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
    private readonly IGradientExchange _exchange;
    private readonly AdamW _optimiser;
    private readonly AdamW? _adversary;
    private readonly ExponentialAverage _average;
    private CheckpointState _state;

    /// <summary>Starts anew, or goes on from the newest checkpoint of the folder.</summary>
    /// <param name="initial">Weights to start a new run from, by parameter name; null: the network's own initialisation.</param>
    /// <param name="exchange">The processes that train together, not disposed here; null: this one alone.</param>
    /// <exception cref="InvalidDataException">The folder belongs to another stage, or a setting is out of range.</exception>
    public TrainingRun(
        ITrainingStage stage,
        TrainingSettings settings,
        RunFolder folder,
        SafetensorsFile? initial = null,
        IGradientExchange? exchange = null
    )
    {
        if (settings.Accumulate < 1)
            throw new InvalidDataException("recipe: accumulate is at least 1.");
        (_stage, _settings, _folder, _exchange) = (stage, settings, folder, exchange ?? new LocalExchange());
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
    /// <param name="progress">Told whenever a line goes into metrics.jsonl.</param>
    /// <param name="ticks">Told after every step.</param>
    /// <exception cref="InvalidDataException">The recipe's best_metric is no figure of the stage's validations.</exception>
    public void Train(
        TimeSpan? limit,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancel,
        IProgress<TrainingTick>? ticks = null
    )
    {
        if (_state.Step >= _settings.Steps)
            return;
        if (IsWriter)
            _folder.Repair();
        using RunJournal? journal = IsWriter ? new RunJournal(_folder, _state.Step) : null;
        HeartbeatWriter? heartbeat = IsWriter ? new HeartbeatWriter(_folder) : null;
        using var batches = new Prefetcher<TrainingBatch>(
            MakeBatch,
            _state.Step * _settings.Accumulate,
            _settings.Workers,
            ahead: 4
        );
        var clock = Stopwatch.StartNew();
        double before = _state.Seconds;
        TimeSpan saved = TimeSpan.Zero;
        var window = new TrainingWindow(_state.Window);
        while (_state.Step < _settings.Steps && !Agreed(cancel.IsCancellationRequested || clock.Elapsed >= limit))
        {
            double rate = _settings.LearningRate.At(_state.Step, _settings.Steps);
            double loss = OneStep(batches, rate, window);
            _state = _state with { Step = _state.Step + 1, Seconds = before + clock.Elapsed.TotalSeconds };
            bool last = _state.Step == _settings.Steps;
            (double perSecond, double waiting) = window.Speed(batches.Waited);
            var tick = new TrainingTick(_state.Step, _settings.Steps, loss, perSecond, waiting);
            ticks?.Report(tick);
            heartbeat?.Beat(tick, _state.Seconds, force: last);
            bool validate = last || _state.Step % _settings.ValidateEvery == 0;
            if (validate || _state.Step % _settings.LogEvery == 0)
                Report(window, rate, batches.Waited, validate, journal, progress);
            if (clock.Elapsed - saved >= TimeSpan.FromMinutes(_settings.CheckpointMinutes))
            {
                Save(window);
                saved = clock.Elapsed;
            }
        }
        Save(window);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _average.Dispose();
        _adversary?.Dispose();
        _optimiser.Dispose();
    }

    private bool IsWriter => _exchange.Rank == 0;

    private static AdamW Optimiser(
        IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter)> parameters,
        TrainingSettings settings
    ) =>
        new(
            parameters,
            settings.Beta1,
            settings.Beta2,
            weightDecay: settings.WeightDecay,
            decayVectors: settings.DecayVectors
        );

    // The processes take turns: the micro-batches of one step, of all processes together, follow each other.
    private TrainingBatch MakeBatch(long own)
    {
        (long step, long micro) = Math.DivRem(own, _settings.Accumulate);
        return _stage.MakeBatch((step * _exchange.Size + _exchange.Rank) * _settings.Accumulate + micro);
    }

    // If one process stops, all do.
    private bool Agreed(bool stop) => _exchange.Size == 1 ? stop : _exchange.Average(stop ? 1 : 0) > 0;

    // A loss or gradient that is not finite spoils the moments for good: such a step is skipped and counted.
    private double OneStep(Prefetcher<TrainingBatch> batches, double rate, TrainingWindow window)
    {
        _optimiser.ZeroGradients();
        _adversary?.ZeroGradients();
        var means = new StepMeans(_settings.Accumulate);
        for (int i = 0; i < _settings.Accumulate; i++)
        {
            using TrainingBatch batch = batches.Next();
            OneBatch(batch, means);
        }
        using var scope = NewDisposeScope();
        Exchange(means.HasAdversary);
        double share = 1.0 / _settings.Accumulate;
        double norm = _optimiser.GradientNorm() * share;
        double opposed = means.HasAdversary ? _adversary!.GradientNorm() * share : 0;
        double loss = _exchange.Average(means.Loss);
        if (!double.IsFinite(loss + _exchange.Average(means.Opposed) + norm + opposed))
        {
            _state = _state with { Skipped = _state.Skipped + 1 };
            window.AddSkipped();
            return double.NaN;
        }
        _optimiser.Update(rate, Clipping(norm) * share);
        if (means.HasAdversary)
            _adversary!.Update(
                _stage.Adversary!.LearningRate.At(_state.Step, _settings.Steps),
                Clipping(opposed) * share
            );
        _optimiser.ZeroGradients();
        _adversary?.ZeroGradients();
        _average.Update(_optimiser.Masters);
        window.Add(means, norm);
        return loss;
    }

    private void OneBatch(TrainingBatch batch, StepMeans means)
    {
        using var scope = NewDisposeScope();
        StageLoss loss = _stage.Loss(batch.To(_stage.Compute.Device), _state.Step);
        loss.Total.backward();
        loss.Adversary?.backward();
        if (_settings.Accumulate > 1)
        {
            _optimiser.Accumulate();
            _adversary?.Accumulate();
        }
        means.Add(loss);
    }

    private void Exchange(bool withAdversary)
    {
        if (_exchange.Size == 1)
            return;
        using var noGrad = no_grad();
        _exchange.Average(_optimiser.Gradients());
        if (withAdversary)
            _exchange.Average(_adversary!.Gradients());
    }

    private double Clipping(double norm) =>
        _settings.ClipNorm > 0 ? Math.Min(1, _settings.ClipNorm / (norm + 1e-6)) : 1;

    private void Report(
        TrainingWindow window,
        double rate,
        TimeSpan waited,
        bool validate,
        RunJournal? journal,
        IProgress<TrainingProgress>? progress
    )
    {
        (double loss, double norm) = window.Means();
        (double perSecond, double waiting) = window.Speed(waited);
        using ValidationResult? validation = validate && IsWriter ? _stage.Validate(_average.Averages) : null;
        var values = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["loss"] = loss,
            ["lr"] = rate,
            ["grad_norm"] = norm,
            ["samples_per_second"] = perSecond * _settings.Batch * _settings.Accumulate * _exchange.Size,
            ["waiting"] = waiting,
            ["skipped"] = _state.Skipped,
            ["seconds"] = _state.Seconds,
        };
        foreach ((string name, double value) in window.Terms())
            values["loss_" + name] = value;
        window.Restart(waited);
        journal?.Add(_state.Step, values, validation);
        if (validation is not null)
            KeepBest(validation.Metrics, window);
        progress?.Report(
            new TrainingProgress(
                _state.Step,
                _settings.Steps,
                loss,
                rate,
                norm,
                perSecond,
                waiting,
                _state.Skipped,
                validation?.Metrics
            )
        );
        window.Restart(waited); // validation is not training time
    }

    // A step that is done again after a kill finds its own figure here, which is not better: the weights are the same.
    private void KeepBest(IReadOnlyDictionary<string, double> metrics, TrainingWindow window)
    {
        if (_settings.BestMetric is not { } name)
            return;
        if (!metrics.TryGetValue(name, out double value))
        {
            Save(window);
            throw new InvalidDataException(
                $"{_folder.Path}: the recipe's best_metric '{name}' is no figure of this stage's validations; they have "
                    + $"{string.Join(", ", metrics.Keys)}. Mend it in the folder's {TrainingRecipe.FileName} and go on."
            );
        }
        BestState? best = RunFolder.ReadBest(_folder.Path);
        bool better = best is null || best.Metric != name;
        better |= best is not null && (_settings.BestIsLower ? value < best.Value : value > best.Value);
        if (!better || !double.IsFinite(value))
            return;
        _folder.SaveBest(
            new BestState
            {
                Step = _state.Step,
                Metric = name,
                Value = value,
            },
            _state,
            folder => SafetensorsWriter.Write(Path.Combine(folder, AverageName), _average.Averages)
        );
    }

    private void Save(TrainingWindow window)
    {
        if (!IsWriter)
            return;
        _folder.SaveCheckpoint(
            _state with
            {
                Updates = _optimiser.Step,
                AverageUpdates = _average.Updates,
                AdversaryUpdates = _adversary?.Step ?? 0,
                Window = window.Sums,
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
    }

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
}
