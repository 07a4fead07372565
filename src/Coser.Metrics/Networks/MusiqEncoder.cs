using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>The residual block behind MUSIQ's first convolution.</summary>
internal sealed class MusiqBottleneck : nn.Module<Tensor, Tensor>
{
    private const double Eps = 1e-6;
    private const int Groups = 32;

    [ComponentName(Name = "conv1")]
    private readonly StandardisedConv _conv1;

    [ComponentName(Name = "gn1")]
    private readonly GroupNormalisation _norm1;

    [ComponentName(Name = "conv2")]
    private readonly StandardisedConv _conv2;

    [ComponentName(Name = "gn2")]
    private readonly GroupNormalisation _norm2;

    [ComponentName(Name = "conv3")]
    private readonly StandardisedConv _conv3;

    [ComponentName(Name = "gn3")]
    private readonly GroupNormalisation _norm3;

    [ComponentName(Name = "conv_proj")]
    private readonly StandardisedConv _skip;

    [ComponentName(Name = "gn_proj")]
    private readonly GroupNormalisation _skipNorm;

    public MusiqBottleneck(int width, Device? device)
        : base(nameof(MusiqBottleneck))
    {
        _conv1 = new StandardisedConv(width, width, 1, 1, device);
        _norm1 = new GroupNormalisation(Groups, width, Eps, device);
        _conv2 = new StandardisedConv(width, width, 3, 1, device);
        _norm2 = new GroupNormalisation(Groups, width, Eps, device);
        _conv3 = new StandardisedConv(width, 4 * width, 1, 1, device);
        _norm3 = new GroupNormalisation(Groups, 4 * width, Eps, device);
        _skip = new StandardisedConv(width, 4 * width, 1, 1, device);
        _skipNorm = new GroupNormalisation(Groups, 4 * width, Eps, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,4C,H,W], not negative.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = nn.functional.relu(_norm1.call(_conv1.call(input)));
        x = nn.functional.relu(_norm2.call(_conv2.call(x)));
        x = _norm3.call(_conv3.call(x)) + _skipNorm.call(_skip.call(input));
        return nn.functional.relu(x).MoveToOuterDisposeScope();
    }
}

/// <summary>MUSIQ's transformer: hashed positions, scales, a class token.</summary>
internal sealed class MusiqEncoder : nn.Module
{
    [ComponentName(Name = "cls")]
    private readonly Parameter _class;

    [ComponentName(Name = "posembed_input")]
    private readonly Held _positions;

    [ComponentName(Name = "scaleembed_input")]
    private readonly Held _scales;

    [ComponentName(Name = "transformer")]
    private readonly Named _transformer;

    [ComponentName(Name = "encoder_norm")]
    private readonly LayerNorm _norm;

    private readonly MusiqBlock[] _blocks;

    public MusiqEncoder(MusiqConfig config, double eps, Device? device)
        : base(nameof(MusiqEncoder))
    {
        _class = Weights.Constant([1, 1, config.Width], 0, device);
        _positions = new Held(
            "position_emb",
            Weights.Normal([1, config.Grid * config.Grid, config.Width], 0.02, device)
        );
        _scales = new Held("scale_emb", Weights.Normal([config.LongerSides.Count + 1, config.Width], 0.02, device));
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(_ => new MusiqBlock(config, eps, device))];
        _transformer = new Named([.. _blocks.Select((b, i) => ($"encoderblock_{i}", (nn.Module)b))]);
        _norm = Weights.Norm(config.Width, eps, device);
        RegisterComponents();
    }

    /// <param name="tokens">[B,N,C].</param>
    /// <param name="places">[B,N,3]: hashed position, scale, 1 for what is of the photo.</param>
    /// <param name="outside">Score of a pair of tokens of which one is not of the photo.</param>
    /// <returns>[B,1+N,C], the class token first.</returns>
    public Tensor Run(Tensor tokens, Tensor places, double outside)
    {
        using var scope = NewDisposeScope();
        (long b, long n) = (tokens.shape[0], tokens.shape[1]);
        Tensor position = places.select(2, 0).to(int64).reshape(-1);
        Tensor scale = places.select(2, 1).to(int64).reshape(-1);
        Tensor x =
            tokens
            + _positions.Value[0].index_select(0, position).view(b, n, -1)
            + _scales.Value.index_select(0, scale).view(b, n, -1);
        x = cat([_class.expand(b, 1, -1), x], dim: 1);
        Tensor inside = cat([ones([b, 1], device: places.device), places.select(2, 2)], dim: 1);
        Tensor pairs = inside.unsqueeze(1) * inside.unsqueeze(2); // [B,1+N,1+N]
        Tensor apart = (pairs == 0).unsqueeze(1);
        foreach (MusiqBlock block in _blocks)
            x = block.Run(x, apart, outside);
        return _norm.call(x).MoveToOuterDisposeScope();
    }
}

/// <summary>A parameter under a name.</summary>
internal sealed class Held : nn.Module
{
    // Not a field of a parameter's type, which would be registered under its own name.
    private readonly Parameter[] _parameter;

    public Held(string name, Parameter parameter)
        : base(nameof(Held))
    {
        _parameter = [parameter];
        register_parameter(name, parameter);
    }

    public Tensor Value => _parameter[0];
}

/// <summary>A pre-norm block with attention that fills up what is not of the photo.</summary>
internal sealed class MusiqBlock : nn.Module
{
    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1;

    [ComponentName(Name = "attention")]
    private readonly MusiqAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2;

    [ComponentName(Name = "mlp")]
    private readonly TokenMlp _mlp;

    public MusiqBlock(MusiqConfig config, double eps, Device? device)
        : base(nameof(MusiqBlock))
    {
        _norm1 = Weights.Norm(config.Width, eps, device);
        _attention = new MusiqAttention(config.Width, config.Heads, device);
        _norm2 = Weights.Norm(config.Width, eps, device);
        _mlp = new TokenMlp(config.Width, config.MlpWidth, device);
        RegisterComponents();
    }

    public Tensor Run(Tensor input, Tensor apart, double outside)
    {
        using var scope = NewDisposeScope();
        Tensor x = input + _attention.Run(_norm1.call(input), apart, outside);
        return (x + _mlp.call(_norm2.call(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>Multi-head attention with four layers of its own.</summary>
internal sealed class MusiqAttention : nn.Module
{
    private readonly int _heads;

    [ComponentName(Name = "query")]
    private readonly Dense _query;

    [ComponentName(Name = "key")]
    private readonly Dense _key;

    [ComponentName(Name = "value")]
    private readonly Dense _value;

    [ComponentName(Name = "out")]
    private readonly Dense _out;

    public MusiqAttention(int width, int heads, Device? device)
        : base(nameof(MusiqAttention))
    {
        _heads = heads;
        _query = new Dense(width, width, device);
        _key = new Dense(width, width, device);
        _value = new Dense(width, width, device);
        _out = new Dense(width, width, device);
        RegisterComponents();
    }

    public Tensor Run(Tensor x, Tensor apart, double outside)
    {
        using var scope = NewDisposeScope();
        (Tensor q, Tensor k, Tensor v) = (Split(_query.call(x)), Split(_key.call(x)), Split(_value.call(x)));
        Tensor scores = matmul(q, k.transpose(-2, -1)) / Math.Sqrt(q.shape[3]);
        Tensor mixed = matmul(nn.functional.softmax(scores.masked_fill(apart, outside), -1), v);
        return _out.call(mixed.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope();
    }

    // [B,T,C] -> [B,heads,T,d]
    private Tensor Split(Tensor x) => x.reshape(x.shape[0], x.shape[1], _heads, -1).transpose(1, 2);
}
