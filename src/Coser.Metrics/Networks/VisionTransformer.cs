using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>A plain vision transformer (Dosovitskiy et al., ICLR 2021) with timm's key names, for its inner tokens.</summary>
internal sealed class VisionTransformer : nn.Module
{
    private const double Eps = 1e-6;
    private const int MlpRatio = 4;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _class;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "patch_embed")]
    private readonly Slot<Conv> _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TokenBlock> _blocks;

    // What makes a classifier of it is in every checkpoint and never used.
    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Dense _head;

    public VisionTransformer(ManiqaConfig config, Device? device)
        : base(nameof(VisionTransformer))
    {
        int side = config.Crop / config.Patch;
        int width = config.Width;
        _class = Weights.Constant([1, 1, width], 0, device);
        _positions = Weights.Normal([1, side * side + 1, width], 0.02, device);
        _patches = new Slot<Conv>("proj", new Conv(3, width, config.Patch, device, config.Patch, padding: 0));
        _blocks = new ModuleList<TokenBlock>([
            .. Enumerable
                .Range(0, config.VitBlocks)
                .Select(_ => new TokenBlock(width, config.VitHeads, width * MlpRatio, Eps, device)),
        ]);
        _norm = Weights.Norm(width, Eps, device);
        _head = new Dense(width, config.VitClasses, device);
        RegisterComponents();
    }

    /// <summary>What some blocks in a row give, side by side, without the class token.</summary>
    /// <param name="image">[B,3,S,S], normalised.</param>
    /// <returns>[B,N,count*width].</returns>
    public Tensor Blocks(Tensor image, int first, int count)
    {
        using var scope = NewDisposeScope();
        Tensor tokens = _patches.Value.call(image.to(_positions.dtype)).flatten(2).transpose(1, 2); // [B,N,C]
        Tensor x = cat([_class.expand(image.shape[0], 1, -1), tokens], dim: 1) + _positions;
        var kept = new List<Tensor>();
        for (int i = 0; i < first + count; i++)
        {
            x = _blocks[i].call(x);
            if (i >= first)
                kept.Add(x.narrow(1, 1, x.shape[1] - 1));
        }
        return cat([.. kept], dim: 2).MoveToOuterDisposeScope();
    }
}

/// <summary>x + attention(norm(x)), then x + mlp(norm(x)); timm's keys.</summary>
internal sealed class TokenBlock : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1;

    [ComponentName(Name = "attn")]
    private readonly TokenAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2;

    [ComponentName(Name = "mlp")]
    private readonly TokenMlp _mlp;

    public TokenBlock(int width, int heads, int hidden, double eps, Device? device)
        : base(nameof(TokenBlock))
    {
        _norm1 = Weights.Norm(width, eps, device);
        _attention = new TokenAttention(width, heads, device);
        _norm2 = Weights.Norm(width, eps, device);
        _mlp = new TokenMlp(width, hidden, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = input + _attention.call(_norm1.call(input));
        return (x + _mlp.call(_norm2.call(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>Self-attention with one layer for query, key and value.</summary>
internal sealed class TokenAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;

    [ComponentName(Name = "qkv")]
    private readonly Dense _qkv;

    [ComponentName(Name = "proj")]
    private readonly Dense _out;

    public TokenAttention(int width, int heads, Device? device)
        : base(nameof(TokenAttention))
    {
        _heads = heads;
        _qkv = new Dense(width, 3 * width, device);
        _out = new Dense(width, width, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor[] parts = _qkv.call(input).chunk(3, -1);
        return _out.call(MultiHead.Attend(parts[0], parts[1], parts[2], _heads)).MoveToOuterDisposeScope();
    }
}

/// <summary>Two layers with a GELU between them.</summary>
internal sealed class TokenMlp : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "fc1")]
    private readonly Dense _hidden;

    [ComponentName(Name = "fc2")]
    private readonly Dense _out;

    public TokenMlp(int width, int hidden, Device? device)
        : base(nameof(TokenMlp))
    {
        _hidden = new Dense(width, hidden, device);
        _out = new Dense(hidden, width, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _out.call(nn.functional.gelu(_hidden.call(input))).MoveToOuterDisposeScope();
    }
}
