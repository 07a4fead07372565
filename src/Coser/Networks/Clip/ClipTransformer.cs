using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Clip;

/// <summary>Sizes of one tower's blocks.</summary>
internal sealed record ClipBlockConfig(int Width, int Heads, int Layers, double MlpRatio, GeluKind Activation)
{
    /// <summary>LayerNorm's epsilon, fixed in open_clip.</summary>
    public const double NormEps = 1e-5;

    // Radford et al. 2021, section 2.5 (GPT-2's scheme): layers that end in the residual shrink with depth.
    public double AttentionStd => Math.Pow(Width, -0.5);

    public double HiddenStd => Math.Pow(2 * Width, -0.5);

    public double ResidualStd => AttentionStd * Math.Pow(2 * Layers, -0.5);
}

/// <summary>The stack of pre-norm blocks of either tower (keys <c>resblocks.N</c>).</summary>
internal sealed class ClipTransformer : nn.Module
{
    [ComponentName(Name = "resblocks")]
    private readonly ModuleList<ClipBlock> _blocks;

    public ClipTransformer(ClipBlockConfig config, Device? device)
        : base(nameof(ClipTransformer))
    {
        _blocks = new ModuleList<ClipBlock>([
            .. Enumerable.Range(0, config.Layers).Select(_ => new ClipBlock(config, device)),
        ]);
        RegisterComponents();
    }

    /// <summary>Runs the first <paramref name="blocks"/> blocks, or all.</summary>
    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C], never the input itself.</returns>
    public Tensor Run(Tensor input, bool causal, int? blocks = null)
    {
        Tensor x = input.alias();
        foreach (ClipBlock block in _blocks.Take(blocks ?? _blocks.Count))
        {
            // Only the graph, if there is one, still needs what went in.
            using Tensor previous = x;
            x = block.Run(previous, causal);
        }
        return x;
    }
}

/// <summary>x + attention(norm(x)), then x + mlp(norm(x)).</summary>
internal sealed class ClipBlock : nn.Module
{
    [ComponentName(Name = "ln_1")]
    private readonly LayerNorm _norm1;

    [ComponentName(Name = "attn")]
    private readonly FusedAttention _attention;

    [ComponentName(Name = "ln_2")]
    private readonly LayerNorm _norm2;

    [ComponentName(Name = "mlp")]
    private readonly ClipMlp _mlp;

    public ClipBlock(ClipBlockConfig config, Device? device)
        : base(nameof(ClipBlock))
    {
        _norm1 = Weights.Norm(config.Width, ClipBlockConfig.NormEps, device);
        _attention = new FusedAttention(config, device);
        _norm2 = Weights.Norm(config.Width, ClipBlockConfig.NormEps, device);
        _mlp = new ClipMlp(config, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public Tensor Run(Tensor input, bool causal)
    {
        using var scope = NewDisposeScope();
        Tensor x = input + _attention.Run(_norm1.call(input), causal);
        return (x + _mlp.call(_norm2.call(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>Self-attention with the three projections in one matrix (PyTorch's MultiheadAttention).</summary>
internal sealed class FusedAttention : nn.Module
{
    private readonly int _heads;

    [ComponentName(Name = "in_proj_weight")]
    private readonly Parameter _inWeight;

    [ComponentName(Name = "in_proj_bias")]
    private readonly Parameter _inBias;

    [ComponentName(Name = "out_proj")]
    private readonly Dense _out;

    public FusedAttention(ClipBlockConfig config, Device? device)
        : base(nameof(FusedAttention))
    {
        _heads = config.Heads;
        _inWeight = Weights.Normal([3 * config.Width, config.Width], config.AttentionStd, device);
        _inBias = Weights.Constant([3 * config.Width], 0, device);
        _out = new Dense(config.Width, config.Width, config.ResidualStd, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public Tensor Run(Tensor input, bool causal)
    {
        using var scope = NewDisposeScope();
        // [B,T,3C] -> 3 x [B,T,C]
        Tensor[] parts = nn.functional.linear(input, _inWeight, _inBias).chunk(3, -1);
        return _out.call(MultiHead.Attend(parts[0], parts[1], parts[2], _heads, causal)).MoveToOuterDisposeScope();
    }
}

/// <summary>Two layers with a GELU between them.</summary>
internal sealed class ClipMlp : nn.Module<Tensor, Tensor>
{
    private readonly GeluKind _activation;

    [ComponentName(Name = "c_fc")]
    private readonly Dense _hidden;

    [ComponentName(Name = "c_proj")]
    private readonly Dense _out;

    public ClipMlp(ClipBlockConfig config, Device? device)
        : base(nameof(ClipMlp))
    {
        _activation = config.Activation;
        int hidden = (int)(config.Width * config.MlpRatio);
        _hidden = new Dense(config.Width, hidden, config.HiddenStd, device);
        _out = new Dense(hidden, config.Width, config.ResidualStd, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _out.call(MultiHead.Activate(_hidden.call(input), _activation)).MoveToOuterDisposeScope();
    }
}
