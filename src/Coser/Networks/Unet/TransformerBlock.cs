using Coser.Networks.Layers;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>
/// Reference attention and LR attention (All-in-Attention only), self-attention, cross-attention, feed-forward: each added
/// to what came in.
/// </summary>
internal sealed class TransformerBlock : nn.Module
{
    private const double NormEps = 1e-5;

    [ComponentName(Name = "attn1")]
    private readonly Attention _self;

    [ComponentName(Name = "ff")]
    private readonly GatedFeedForward _feedForward;

    [ComponentName(Name = "attn2")]
    private readonly Attention _cross;

    [ComponentName(Name = "attn3_lr_lna")]
    private readonly Attention? _lr;

    [ComponentName(Name = "attn4_ref_lna")]
    private readonly Attention? _reference;

    [ComponentName(Name = "zero_conv_lna")]
    private readonly TokenLinear? _lrGate;

    [ComponentName(Name = "zero_conv_r_lna")]
    private readonly TokenLinear? _referenceGate;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2;

    [ComponentName(Name = "norm3")]
    private readonly LayerNorm _norm3;

    [ComponentName(Name = "norm4_lna")]
    private readonly LayerNorm? _norm4;

    // Never used by the reference implementation, but in its checkpoints.
    [ComponentName(Name = "norm5_lna")]
    private readonly LayerNorm? _norm5;

    public TransformerBlock(int width, int heads, EncoderConfig config, bool control, Device? device)
        : base(nameof(TransformerBlock))
    {
        _self = OverPlaces();
        _feedForward = new GatedFeedForward(width, device);
        _cross = new Attention(width, config.ContextDim, heads, config.HeadChannels, device);
        (_norm1, _norm2, _norm3) = (Norm(), Norm(), Norm());
        if (control)
        {
            (_lr, _reference) = (OverPlaces(), OverPlaces());
            _lrGate = new TokenLinear(width, width, matrix: false, device, silent: true);
            _referenceGate = new TokenLinear(width, width, matrix: false, device, silent: true);
            (_norm4, _norm5) = (Norm(), Norm());
        }
        RegisterComponents();

        Attention OverPlaces() => new(width, width, heads, config.HeadChannels, device);

        LayerNorm Norm() => Weights.Norm(width, NormEps, device);
    }

    /// <param name="lr">[B,hw,C].</param>
    /// <param name="reference">[B,hw,C], or null.</param>
    public BlockMemory Remember(Tensor lr, Tensor? reference)
    {
        using var scope = NewDisposeScope();
        (Tensor key, Tensor value) = _lr!.Remember(lr);
        // The query is the LR control, not the UNet's feature: what the reference adds does not depend on the latter.
        Tensor? added = reference is null ? null : _referenceGate!.call(_reference!.Choose(lr, reference));
        return new BlockMemory(added, key, value).MoveToOuterDisposeScope();
    }

    /// <param name="input">[B,hw,C].</param>
    /// <param name="context">[B,T,context].</param>
    /// <returns>[B,hw,C].</returns>
    public Tensor Run(Tensor input, Tensor context, BlockMemory? memory)
    {
        using var scope = NewDisposeScope();
        Tensor x = input;
        if (memory is not null)
        {
            if (memory.Reference is not null)
                x = x + memory.Reference;
            x = x + _lrGate!.call(_lr!.Run(_norm4!.call(x), memory.Key, memory.Value));
        }
        Tensor own = _norm1.call(x);
        x = _self.Run(own, own) + x;
        x = _cross.Run(_norm2.call(x), context) + x;
        x = _feedForward.call(_norm3.call(x)) + x;
        return x.MoveToOuterDisposeScope();
    }

    public void CopySelfAttention()
    {
        _lr!.CopyFrom(_self);
        _reference!.CopyFrom(_self);
        Weights.Copy(_norm1, _norm4!);
    }
}
