using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>
/// Transformer over the places of a feature map, as a residual. With a control width it is the paper's All-in-Attention
/// (section 3.3): its blocks also look at the control features of the LR photo and of the reference.
/// </summary>
internal sealed class SpatialTransformer : nn.Module
{
    private const double NormEps = 1e-6;

    [ComponentName(Name = "norm")]
    private readonly GroupNormalisation _norm;

    [ComponentName(Name = "proj_in")]
    private readonly TokenLinear _in;

    [ComponentName(Name = "transformer_blocks")]
    private readonly ModuleList<TransformerBlock> _blocks;

    [ComponentName(Name = "proj_out")]
    private readonly TokenLinear _out;

    [ComponentName(Name = "dubconv_lna")]
    private readonly Conv? _lrWiden;

    [ComponentName(Name = "norm_clr_lna")]
    private readonly GroupNormalisation? _lrNorm;

    [ComponentName(Name = "proj_in_clr_lna")]
    private readonly TokenLinear? _lrIn;

    [ComponentName(Name = "dubconv_r_lna")]
    private readonly Conv? _referenceWiden;

    [ComponentName(Name = "norm_cref_lna")]
    private readonly GroupNormalisation? _referenceNorm;

    // Never used by the reference implementation, but in its checkpoints.
    [ComponentName(Name = "proj_in_cref_lna")]
    private readonly TokenLinear? _referenceIn;

    /// <param name="controlWidth">Channels of the control features at this place; null: the transformer has no control.</param>
    public SpatialTransformer(int width, EncoderConfig config, Device? device, int? controlWidth = null)
        : base(nameof(SpatialTransformer))
    {
        bool matrix = config.LinearInTransformer;
        int heads = width / config.HeadChannels;
        _norm = Norm();
        _in = new TokenLinear(width, width, matrix, device);
        _blocks = new ModuleList<TransformerBlock>([
            .. Enumerable
                .Range(0, config.TransformerDepth)
                .Select(_ => new TransformerBlock(width, heads, config, controlWidth is not null, device)),
        ]);
        _out = new TokenLinear(width, width, matrix, device, silent: true);
        if (controlWidth is { } control)
        {
            _lrWiden = Widen(control);
            _lrNorm = Norm();
            _lrIn = new TokenLinear(width, width, matrix, device);
            _referenceWiden = Widen(control);
            _referenceNorm = Norm();
            _referenceIn = new TokenLinear(width, width, matrix, device);
        }
        RegisterComponents();

        GroupNormalisation Norm() => new(config.NormGroups, width, NormEps, device);

        Conv? Widen(int inputs) => inputs == width ? null : new Conv(inputs, width, 3, device);
    }

    /// <summary>What the blocks keep of the control features, the same for every prediction from them.</summary>
    /// <param name="lr">[B,C,h,w]: control features of the LR photo.</param>
    /// <param name="reference">The reference's, same shape; null: the reference branch stays silent.</param>
    public AttentionMemory Remember(Tensor lr, Tensor? reference)
    {
        using var scope = NewDisposeScope();
        Tensor lrTokens = _lrIn!.call(Tokens(_lrNorm!.call(_lrWiden?.call(lr) ?? lr)));
        Tensor? referenceTokens = reference is null
            ? null
            : Tokens(_referenceNorm!.call(_referenceWiden?.call(reference) ?? reference));
        return new AttentionMemory([
            .. _blocks.Select(b => b.Remember(lrTokens, referenceTokens).MoveToOuterDisposeScope()),
        ]);
    }

    /// <param name="input">[B,C,h,w].</param>
    /// <param name="context">[B,T,context]: prompt tokens, then the cognitive embedding.</param>
    /// <param name="memory">Of <see cref="Remember"/>; null: generation without control.</param>
    /// <returns>[B,C,h,w].</returns>
    public Tensor Run(Tensor input, Tensor context, AttentionMemory? memory)
    {
        using var scope = NewDisposeScope();
        Tensor x = _in.call(Tokens(_norm.call(input)));
        for (int i = 0; i < _blocks.Count; i++)
        {
            // Only the graph, if there is one, still needs what went in.
            using Tensor previous = x;
            x = _blocks[i].Run(previous, context, memory?.Blocks[i]);
        }
        // [B,hw,C] -> [B,C,h,w]
        Tensor residual = _out.call(x).transpose(1, 2).reshape(input.shape);
        return (input + residual).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The new branches start from the weights of what they stand beside: the self-attention (section 4.1 of the paper) and,
    /// as in the reproduction, the norm and the projection before it.
    /// </summary>
    public void CopySelfAttention()
    {
        foreach (TransformerBlock block in _blocks)
            block.CopySelfAttention();
        Weights.Copy(_norm, _lrNorm!);
        Weights.Copy(_norm, _referenceNorm!);
        Weights.Copy(_in, _lrIn!);
        Weights.Copy(_in, _referenceIn!);
    }

    // [B,C,h,w] -> [B,hw,C]
    private static Tensor Tokens(Tensor map) => map.flatten(2).transpose(1, 2).contiguous();
}

/// <summary>What one transformer keeps of the control features: one entry a block.</summary>
public sealed class AttentionMemory : IDisposable
{
    internal AttentionMemory(IReadOnlyList<BlockMemory> blocks) => Blocks = blocks;

    internal IReadOnlyList<BlockMemory> Blocks { get; }

    /// <summary>All of it, three a block.</summary>
    internal IEnumerable<Tensor?> Tensors => Blocks.SelectMany(b => new[] { b.Reference, b.Key, b.Value });

    /// <summary>The inverse of <see cref="Tensors"/>.</summary>
    internal static AttentionMemory Of(IReadOnlyList<Tensor?> tensors, int start) =>
        new([.. tensors.Skip(start).Chunk(3).Select(t => new BlockMemory(t[0], t[1]!, t[2]!))]);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (BlockMemory block in Blocks)
            block.Dispose();
    }

    internal AttentionMemory MoveToOuterDisposeScope()
    {
        foreach (BlockMemory block in Blocks)
            block.MoveToOuterDisposeScope();
        return this;
    }
}

/// <summary>Of one block: what the reference adds, and the LR attention's keys and values, [B,hw,C] each.</summary>
internal sealed record BlockMemory(Tensor? Reference, Tensor Key, Tensor Value) : IDisposable
{
    public void Dispose()
    {
        Reference?.Dispose();
        Key.Dispose();
        Value.Dispose();
    }

    public BlockMemory MoveToOuterDisposeScope()
    {
        Reference?.MoveToOuterDisposeScope();
        Key.MoveToOuterDisposeScope();
        Value.MoveToOuterDisposeScope();
        return this;
    }
}
