using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>Multi-head attention with separate projections: soft, or one-hot (<see cref="MultiHead.Choose"/>).</summary>
internal sealed class Attention : nn.Module
{
    [ComponentName(Name = "to_q")]
    private readonly Dense _query;

    [ComponentName(Name = "to_k")]
    private readonly Dense _key;

    [ComponentName(Name = "to_v")]
    private readonly Dense _value;

    [ComponentName(Name = "to_out")]
    private readonly Slot<Dense> _out;

    private readonly int _heads;

    public Attention(int width, int contextWidth, int heads, int headWidth, Device? device)
        : base(nameof(Attention))
    {
        _heads = heads;
        int inner = heads * headWidth;
        _query = new Dense(width, inner, device, bias: false);
        _key = new Dense(contextWidth, inner, device, bias: false);
        _value = new Dense(contextWidth, inner, device, bias: false);
        _out = new(0, new Dense(inner, width, device));
        RegisterComponents();
    }

    /// <summary>Keys and values [B,T,heads*d] of a context [B,T,C].</summary>
    public (Tensor Key, Tensor Value) Remember(Tensor context) => (_key.call(context), _value.call(context));

    /// <param name="x">[B,Tq,C].</param>
    /// <param name="context">[B,Tk,C'].</param>
    /// <returns>[B,Tq,C].</returns>
    public Tensor Run(Tensor x, Tensor context)
    {
        using var scope = NewDisposeScope();
        (Tensor key, Tensor value) = Remember(context);
        return Run(x, key, value).MoveToOuterDisposeScope();
    }

    /// <summary>The same with keys and values that were remembered, for one photo or for each of the batch.</summary>
    public Tensor Run(Tensor x, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        Tensor mixed = MultiHead.Attend(_query.call(x), Batch(key, x), Batch(value, x), _heads);
        return _out.Value.call(mixed).MoveToOuterDisposeScope();
    }

    /// <summary>One-hot attention: every query takes the value of its best key.</summary>
    /// <param name="x">[B,Tq,C].</param>
    /// <param name="context">[B,Tk,C].</param>
    /// <returns>[B,Tq,C].</returns>
    public Tensor Choose(Tensor x, Tensor context)
    {
        using var scope = NewDisposeScope();
        (Tensor key, Tensor value) = Remember(context);
        return _out.Value.call(MultiHead.Choose(_query.call(x), key, value, _heads)).MoveToOuterDisposeScope();
    }

    /// <summary>Takes over another's weights, of equal shapes.</summary>
    public void CopyFrom(Attention other) => Weights.Copy(other, this);

    private static Tensor Batch(Tensor memory, Tensor like) =>
        memory.shape[0] == like.shape[0] ? memory : memory.expand(like.shape[0], -1, -1);
}

/// <summary>Feed-forward with a gate: (x W + b) * gelu(x V + c), then back (Shazeer, "GLU variants", 2020).</summary>
internal sealed class GatedFeedForward : nn.Module<Tensor, Tensor>
{
    private const int Widening = 4;

    [ComponentName(Name = "net")]
    private readonly GatedLayers _layers;

    public GatedFeedForward(int width, Device? device)
        : base(nameof(GatedFeedForward))
    {
        _layers = new GatedLayers(width, Widening * width, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public override Tensor forward(Tensor input) => _layers.call(input);

    private sealed class GatedLayers : nn.Module<Tensor, Tensor>
    {
        [ComponentName(Name = "0")]
        private readonly Slot<Dense> _in;

        [ComponentName(Name = "2")]
        private readonly Dense _out;

        public GatedLayers(int width, int hidden, Device? device)
            : base(nameof(GatedLayers))
        {
            _in = new("proj", new Dense(width, 2 * hidden, device));
            _out = new Dense(hidden, width, device);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            Tensor[] parts = _in.Value.call(input).chunk(2, dim: -1);
            return _out.call(parts[0] * nn.functional.gelu(parts[1])).MoveToOuterDisposeScope();
        }
    }
}
