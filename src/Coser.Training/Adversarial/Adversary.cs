using Coser.Engine;
using Coser.Training.Optimisation;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Adversarial;

/// <summary>Settings of an adversarial term.</summary>
public sealed record AdversarySettings
{
    /// <summary>Weight of the term in the painter's loss.</summary>
    public double Weight { get; init; } = 0.02;

    /// <summary>Step at which the discriminator starts to learn.</summary>
    public long Start { get; init; }

    /// <summary>Steps over which the weight then grows from 0: the discriminator first learns what to look at.</summary>
    public long Ramp { get; init; } = 500;

    /// <summary>The discriminator's channels.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [32, 64, 128];

    /// <summary>The discriminator's learning rate.</summary>
    public LearningRate LearningRate { get; init; } = new();
}

/// <summary>A discriminator with the hinge losses of both sides (Lim and Ye, 2017).</summary>
public sealed class Adversary : IDisposable
{
    private readonly AdversarySettings _settings;
    private readonly PatchDiscriminator _network;

    /// <summary>A fresh discriminator; its start is drawn from the global generator.</summary>
    public Adversary(AdversarySettings settings, Compute compute)
    {
        _settings = settings;
        _network = new PatchDiscriminator(settings.Widths);
        _network.to(compute.Device, compute.DType);
    }

    /// <summary>The discriminator's parameters.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> Parameters =>
        _network.named_parameters().Select(p => (p.name, (Parameter)p.parameter));

    /// <summary>Its learning rate.</summary>
    public LearningRate LearningRate => _settings.LearningRate;

    /// <summary>True from the step on at which it takes part.</summary>
    public bool Plays(long step) => step >= _settings.Start;

    /// <summary>What the painter pays: minus the mean score of its pictures, times the weight of this step.</summary>
    /// <param name="painted">[B,3,H,W], about [0,1], with gradients.</param>
    public Tensor PainterLoss(Tensor painted, long step)
    {
        double ramp = _settings.Ramp == 0 ? 1 : Math.Clamp((step - _settings.Start) / (double)_settings.Ramp, 0, 1);
        foreach (Parameter parameter in _network.parameters())
            parameter.requires_grad_(false);
        using var scope = NewDisposeScope();
        return (_network.call(painted).mean() * (-ramp * _settings.Weight)).MoveToOuterDisposeScope();
    }

    /// <summary>What the discriminator pays: the hinge on real and painted pictures.</summary>
    /// <param name="painted">[B,3,H,W]; no gradient goes back into it.</param>
    /// <param name="real">The same shape.</param>
    public Tensor Loss(Tensor painted, Tensor real)
    {
        foreach (Parameter parameter in _network.parameters())
            parameter.requires_grad_(true);
        using var scope = NewDisposeScope();
        Tensor scores = _network.call(cat([real.to(float32), painted.detach().to(float32)]));
        Tensor[] sides = [.. scores.chunk(2)];
        Tensor loss = nn.functional.relu(1 - sides[0]).mean() + nn.functional.relu(1 + sides[1]).mean();
        return (loss * 0.5).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();
}
