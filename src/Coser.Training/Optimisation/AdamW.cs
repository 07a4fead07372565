using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Optimisation;

/// <summary>
/// AdamW (Loshchilov and Hutter, 2019) with PyTorch's semantics, float32 masters for parameters of fewer bits, and no
/// temporaries larger than one parameter.
/// </summary>
public sealed class AdamW : IDisposable
{
    private readonly Slot[] _slots;

    /// <param name="parameters">Trainable parameters by name, all on one device.</param>
    /// <param name="weightDecay">Decoupled decay; PyTorch's own default is 0.01.</param>
    /// <param name="decayVectors">False: parameters of one dimension or none (biases, scales of norms) do not decay.</param>
    public AdamW(
        IEnumerable<(string Name, Parameter Parameter)> parameters,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double epsilon = 1e-8,
        double weightDecay = 0.01,
        bool decayVectors = true
    )
    {
        (Beta1, Beta2, Epsilon, WeightDecay) = (beta1, beta2, epsilon, weightDecay);
        using var noGrad = no_grad();
        _slots =
        [
            .. parameters.Select(p => new Slot(p.Name, p.Parameter, decays: decayVectors || p.Parameter.dim() > 1)),
        ];
    }

    /// <summary>Decay of the first moment.</summary>
    public double Beta1 { get; }

    /// <summary>Decay of the second moment.</summary>
    public double Beta2 { get; }

    /// <summary>Added to the root of the second moment.</summary>
    public double Epsilon { get; }

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; }

    /// <summary>Updates made so far.</summary>
    public long Step { get; private set; }

    /// <summary>The float32 values of the parameters, by name. For float32 parameters these are the parameters.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Masters =>
        _slots.Select(s => KeyValuePair.Create(s.Name, s.Master));

    /// <summary>
    /// Ends a micro-batch: the gradients stay and those of the next one are added to them. Sums of 16-bit gradients are kept
    /// in float32, since eight bits of mantissa would lose the later ones.
    /// </summary>
    public void Accumulate()
    {
        using var noGrad = no_grad();
        foreach (Slot slot in _slots)
            slot.Accumulate();
    }

    /// <summary>The gradients, a missing one as zeros, to be changed in place.</summary>
    /// <returns>In the order of the parameters; float32 after <see cref="Accumulate"/>, else of the parameters' types.</returns>
    public IReadOnlyList<Tensor> Gradients()
    {
        using var noGrad = no_grad();
        return [.. _slots.Select(s => s.Gradient ?? s.WithZeros())];
    }

    /// <summary>Euclidean norm over all gradients: NaN or infinite when any of them is.</summary>
    public double GradientNorm()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor[] squares =
        [
            .. _slots.Select(s => s.Gradient).OfType<Tensor>().Select(g => g.to(float32).square().sum()),
        ];
        return squares.Length == 0 ? 0 : Math.Sqrt(stack(squares).sum().item<float>());
    }

    /// <summary>One update. Parameters without a gradient are left alone, as in PyTorch.</summary>
    /// <param name="gradientScale">Multiplies every gradient: the clipping factor, times 1 / accumulated steps.</param>
    public void Update(double learningRate, double gradientScale = 1)
    {
        Step++;
        double correction1 = 1 - Math.Pow(Beta1, Step);
        double correction2 = 1 - Math.Pow(Beta2, Step);
        // Named, so that none is finalised while native code still reads it.
        using Scalar scale = gradientScale.ToScalar();
        using Scalar keep = (1 - learningRate * WeightDecay).ToScalar();
        using Scalar towards = (1 - Beta1).ToScalar();
        using Scalar beta1 = Beta1.ToScalar();
        using Scalar beta2 = Beta2.ToScalar();
        using Scalar fresh = (1 - Beta2).ToScalar();
        using Scalar root = Math.Sqrt(correction2).ToScalar();
        using Scalar epsilon = Epsilon.ToScalar();
        using Scalar step = (-learningRate / correction1).ToScalar();
        using var noGrad = no_grad();
        foreach (Slot slot in _slots)
        {
            using var scope = NewDisposeScope();
            if (slot.Gradient is not { } gradient)
                continue;
            Tensor g = gradient.to(float32).mul(scale);
            if (slot.Decays)
                slot.Master.mul_(keep);
            slot.First.mul_(beta1).add_(g, towards);
            slot.Second.mul_(beta2).addcmul_(g, g, fresh);
            Tensor denominator = slot.Second.sqrt().div_(root).add_(epsilon);
            slot.Master.addcdiv_(slot.First, denominator, step);
            slot.Publish();
        }
    }

    /// <summary>Forgets all gradients.</summary>
    public void ZeroGradients()
    {
        foreach (Slot slot in _slots)
            slot.ForgetGradient();
    }

    /// <summary>Everything a resumed run needs: masters and moments, by name.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State() =>
        _slots.SelectMany(s =>
            new[]
            {
                KeyValuePair.Create("master." + s.Name, s.Master),
                KeyValuePair.Create("exp_avg." + s.Name, s.First),
                KeyValuePair.Create("exp_avg_sq." + s.Name, s.Second),
            }
        );

    /// <summary>Takes back what <see cref="State"/> gave.</summary>
    /// <param name="read">The tensor of a name.</param>
    public void Restore(Func<string, Tensor> read, long step)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach ((string name, Tensor tensor) in State())
            tensor.copy_(read(name));
        foreach (Slot slot in _slots)
            slot.Publish();
        Step = step;
    }

    /// <summary>Sets the masters, and through them the parameters.</summary>
    public void SetMasters(Func<string, Tensor> read)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (Slot slot in _slots)
        {
            slot.Master.copy_(read(slot.Name));
            slot.Publish();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Slot slot in _slots)
            slot.Dispose();
    }

    private sealed class Slot : IDisposable
    {
        private Tensor? _sum; // float32, of the micro-batches so far; null for float32 parameters, which sum themselves

        public Slot(string name, Parameter parameter, bool decays)
        {
            Name = name;
            Parameter = parameter;
            Decays = decays;
            Master = (parameter.dtype == float32 ? parameter.detach() : parameter.detach().to(float32));
            First = zeros_like(Master);
            Second = zeros_like(Master);
            foreach (Tensor tensor in new[] { Master, First, Second })
                tensor.DetachFromDisposeScope();
        }

        public string Name { get; }

        public Parameter Parameter { get; }

        public bool Decays { get; }

        public Tensor? Gradient => _sum ?? Parameter.grad;

        public Tensor Master { get; }

        public Tensor First { get; }

        public Tensor Second { get; }

        public Tensor WithZeros()
        {
            Parameter.grad = zeros_like(Parameter);
            return Parameter.grad!;
        }

        public void Accumulate()
        {
            if (Parameter.dtype == float32 || Parameter.grad is not { } gradient)
                return;
            using (gradient)
            {
                if (_sum is null)
                    _sum = gradient.to(float32).DetachFromDisposeScope();
                else
                    _sum.add_(gradient);
            }
            Parameter.grad = null;
        }

        public void ForgetGradient()
        {
            Parameter.grad = null;
            _sum?.Dispose();
            _sum = null;
        }

        // A float32 master shares the parameter's memory.
        public void Publish()
        {
            if (Parameter.dtype != float32)
                Parameter.copy_(Master);
        }

        public void Dispose()
        {
            _sum?.Dispose();
            Master.Dispose();
            First.Dispose();
            Second.Dispose();
        }
    }
}
