using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Diffusion;
using Coser.Engine;
using Coser.Networks.Unet;
using Coser.Restoration;
using Coser.Tokenization;
using Coser.Training.Degradation;
using Coser.Training.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>
/// Samples with a whole model over a set of latents, as the pipeline would: references for stage 2, restored latents for
/// feature wrapping.
/// </summary>
public sealed class LatentPainter : IDisposable
{
    private readonly LatentSet _set;
    private readonly FrozenNetworks _frozen;
    private readonly UnetModel _unet;
    private readonly ControlEncoder? _control;
    private readonly ClipTokenizer _tokenizer;
    private readonly LatentSampling _sampling;
    private readonly RestorationConfig _restoration;
    private readonly PresetConfig _preset;
    private readonly Device _device;

    /// <param name="set">With LR latents and embeddings; remains the caller's.</param>
    /// <param name="model">With UNet, CLIP, tokenizer and autoencoder; for restoring, with a control encoder.</param>
    /// <param name="preset">How it samples.</param>
    /// <exception cref="CheckpointException">The model lacks a network, or is damaged.</exception>
    /// <exception cref="InvalidDataException">The set lacks a column.</exception>
    public LatentPainter(LatentSet set, ModelDirectory model, Preset preset, Compute compute)
    {
        set.Require(LatentSet.Lr, LatentSet.Embedding);
        (_set, _device) = (set, compute.Device);
        _restoration = model.Manifest.Restoration ?? new RestorationConfig();
        _preset = _restoration.Of(preset);
        _sampling = new LatentSampling(model.Manifest.Diffusion ?? new DiffusionConfig());
        _tokenizer = StageInputs.TokenizerOf(model);
        _unet = model.Load(ComponentNames.Unet, NetworkKinds.Unet, compute.Device, compute.DType);
        try
        {
            if (model.Manifest.Components.ContainsKey(ComponentNames.Control))
                _control = model.Load(ComponentNames.Control, NetworkKinds.Control, compute.Device, compute.DType);
            _frozen = new FrozenNetworks(model, compute);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>References of some records: column <see cref="LatentSet.Reference"/>.</summary>
    public IReadOnlyDictionary<string, Tensor> Reference(IReadOnlyList<long> records)
    {
        using var scope = NewDisposeScope();
        (Tensor positive, Tensor negative) = Contexts(records);
        var settings = new SamplingSettings(
            _preset.ReferenceSteps,
            _preset.Sampler,
            _preset.ReferenceGuidance,
            _restoration.ReferenceStart,
            _restoration.Spacing
        );
        Tensor painted = Run(
            ReferenceGenerator.Stage,
            settings,
            records,
            (z, t, positiveSide) => _unet.Predict(z, t, positiveSide ? positive : negative)
        );
        return One(LatentSet.Reference, painted);
    }

    /// <summary>Restored latents of some records: column <see cref="LatentSet.Sampled"/>.</summary>
    /// <remarks>The references are those of the set, where it has some.</remarks>
    /// <exception cref="InvalidOperationException">The model has no control encoder.</exception>
    public IReadOnlyDictionary<string, Tensor> Restored(IReadOnlyList<long> records)
    {
        if (_control is null)
            throw new InvalidOperationException("the model has no control encoder");
        using var scope = NewDisposeScope();
        (Tensor positive, Tensor negative) = Contexts(records);
        Tensor lr = Column(LatentSet.Lr, records);
        int size = _set.Manifest.Settings.Size;
        Tensor reference = _set.Has(LatentSet.Reference)
            ? Column(LatentSet.Reference, records)
            : _frozen.EncodeGrey(size).expand_as(lr);
        var settings = new SamplingSettings(
            _preset.Steps,
            _preset.Sampler,
            _preset.Guidance,
            _restoration.Start,
            _restoration.Spacing
        );
        ControlMemory? memory = null;
        Tensor restored = Run(
            LatentRestorer.Stage,
            settings,
            records,
            (z, t, positiveSide) =>
            {
                // The negative side follows, and shares the control.
                if (positiveSide)
                {
                    memory?.Dispose();
                    using ControlFeatures seen = _control.Encode(z, lr, t, positive);
                    using ControlFeatures shown = _control.Encode(z, reference, t, positive);
                    memory = _unet.Remember(seen, shown);
                }
                return _unet.Predict(z, t, positiveSide ? positive : negative, memory);
            }
        );
        memory?.Dispose();
        return One(LatentSet.Sampled, restored);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _unet.Dispose();
        _control?.Dispose();
        _frozen?.Dispose();
    }

    private static Dictionary<string, Tensor> One(string column, Tensor value) =>
        new(StringComparer.Ordinal) { [column] = value.MoveToOuterDisposeScope() };

    private Tensor Run(
        string stage,
        SamplingSettings settings,
        IReadOnlyList<long> records,
        Func<Tensor, Tensor, bool, Tensor> predict
    )
    {
        Tensor lr = Column(LatentSet.Lr, records).cpu();
        Tensor noise = cat([.. records.Select(r => Noise(r, lr))]);
        return _sampling.Run(
            stage,
            settings,
            (z, timestep) =>
            {
                using Tensor t = full([z.shape[0]], timestep, dtype: int64, device: _device);
                return Guidance.Combine(settings.Guidance, () => predict(z, t, true), () => predict(z, t, false));
            },
            _sampling.AddNoise(lr, noise, settings.Start).to(_device),
            new SeededNoise(records[0]),
            StageContext.Silent
        );
    }

    // A record's own, whoever its neighbours are.
    private Tensor Noise(long record, Tensor like)
    {
        using var draws = SeededDraws.ForSample(_set.Manifest.Settings.Seed, -2, record);
        return draws.RandN([1, .. like.shape.Skip(1)]);
    }

    private (Tensor Positive, Tensor Negative) Contexts(IReadOnlyList<long> records)
    {
        Tensor embedding = Column(LatentSet.Embedding, records);
        return (cat([Text("", records.Count), embedding], dim: 1), Text(_restoration.NegativePrompt, records.Count));
    }

    private Tensor Text(string prompt, int count) =>
        _frozen.Read(_tokenizer.Batch([prompt], _frozen.Clip!.Text.ContextLength)).expand(count, -1, -1);

    private Tensor Column(string name, IReadOnlyList<long> records) =>
        cat([.. records.Select(r => _set.Read(name, r))]).to(_device);
}
