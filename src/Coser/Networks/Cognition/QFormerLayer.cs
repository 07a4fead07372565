using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Cognition;

/// <summary>
/// One post-norm layer: queries look at each other, in some layers at the image, then pass their own feed-forward.
/// </summary>
internal sealed class QFormerLayer : nn.Module
{
    [ComponentName(Name = "attention")]
    private readonly BertAttention _attention;

    [ComponentName(Name = "crossattention")]
    private readonly BertAttention? _crossAttention;

    // The feed-forward for words: in checkpoints, never run.
    [ComponentName(Name = "intermediate")]
    private readonly BertIntermediate? _wordHidden;

    [ComponentName(Name = "output")]
    private readonly BertOutput? _wordOut;

    [ComponentName(Name = "intermediate_query")]
    private readonly BertIntermediate _queryHidden;

    [ComponentName(Name = "output_query")]
    private readonly BertOutput _queryOut;

    public QFormerLayer(CognitiveAdapterConfig config, bool seesImage, Device? device)
        : base(nameof(QFormerLayer))
    {
        _attention = new BertAttention(config, config.HiddenSize, device);
        _crossAttention = seesImage ? new BertAttention(config, config.VisionWidth, device) : null;
        if (config.TextBranch)
        {
            _wordHidden = new BertIntermediate(config, device);
            _wordOut = new BertOutput(config, config.IntermediateSize, device);
        }
        _queryHidden = new BertIntermediate(config, device);
        _queryOut = new BertOutput(config, config.IntermediateSize, device);
        RegisterComponents();
    }

    /// <param name="queries">[B,T_e,C].</param>
    /// <param name="image">[B,T_i,C_i].</param>
    /// <returns>[B,T_e,C].</returns>
    public Tensor Run(Tensor queries, Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor x = _attention.Run(queries, queries);
        if (_crossAttention is not null)
            x = _crossAttention.Run(x, image);
        return _queryOut.Run(_queryHidden.call(x), x).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention with its output layer: norm(x + dense(attend(x, source))).</summary>
internal sealed class BertAttention : nn.Module
{
    [ComponentName(Name = "self")]
    private readonly SplitAttention _self;

    [ComponentName(Name = "output")]
    private readonly BertOutput _output;

    public BertAttention(CognitiveAdapterConfig config, int sourceWidth, Device? device)
        : base(nameof(BertAttention))
    {
        _self = new SplitAttention(config, sourceWidth, device);
        _output = new BertOutput(config, config.HiddenSize, device);
        RegisterComponents();
    }

    /// <param name="x">[B,Tq,C].</param>
    /// <param name="source">[B,Tk,C_k]: x itself, or the image.</param>
    /// <returns>[B,Tq,C].</returns>
    public Tensor Run(Tensor x, Tensor source)
    {
        using var scope = NewDisposeScope();
        return _output.Run(_self.Run(x, source), x).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention with a projection each for queries, keys and values.</summary>
internal sealed class SplitAttention : nn.Module
{
    private readonly int _heads;
    private readonly double _dropout;

    [ComponentName(Name = "query")]
    private readonly Dense _query;

    [ComponentName(Name = "key")]
    private readonly Dense _key;

    [ComponentName(Name = "value")]
    private readonly Dense _value;

    public SplitAttention(CognitiveAdapterConfig config, int sourceWidth, Device? device)
        : base(nameof(SplitAttention))
    {
        _heads = config.Heads;
        _dropout = config.AttentionDropout;
        _query = new Dense(config.HiddenSize, config.HiddenSize, CognitiveAdapter.InitialStd, device);
        _key = new Dense(sourceWidth, config.HiddenSize, CognitiveAdapter.InitialStd, device);
        _value = new Dense(sourceWidth, config.HiddenSize, CognitiveAdapter.InitialStd, device);
        RegisterComponents();
    }

    /// <param name="x">[B,Tq,C].</param>
    /// <param name="source">[B,Tk,C_k].</param>
    /// <returns>[B,Tq,C].</returns>
    public Tensor Run(Tensor x, Tensor source)
    {
        using var scope = NewDisposeScope();
        double dropout = training ? _dropout : 0;
        return MultiHead
            .Attend(_query.call(x), _key.call(source), _value.call(source), _heads, dropout: dropout)
            .MoveToOuterDisposeScope();
    }
}

/// <summary>First layer of a feed-forward part, with its activation.</summary>
internal sealed class BertIntermediate : nn.Module<Tensor, Tensor>
{
    private readonly GeluKind _activation;

    [ComponentName(Name = "dense")]
    private readonly Dense _dense;

    public BertIntermediate(CognitiveAdapterConfig config, Device? device)
        : base(nameof(BertIntermediate))
    {
        _activation = config.Activation;
        _dense = new Dense(config.HiddenSize, config.IntermediateSize, CognitiveAdapter.InitialStd, device);
        RegisterComponents();
    }

    /// <param name="input">[B,T,C].</param>
    /// <returns>[B,T,intermediate].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return MultiHead.Activate(_dense.call(input), _activation).MoveToOuterDisposeScope();
    }
}

/// <summary>Back to the residual: norm(residual + dense(x)).</summary>
internal sealed class BertOutput : nn.Module
{
    private readonly double _dropout;

    [ComponentName(Name = "dense")]
    private readonly Dense _dense;

    [ComponentName(Name = "LayerNorm")]
    private readonly LayerNorm _norm;

    public BertOutput(CognitiveAdapterConfig config, int inputs, Device? device)
        : base(nameof(BertOutput))
    {
        _dropout = config.HiddenDropout;
        _dense = new Dense(inputs, config.HiddenSize, CognitiveAdapter.InitialStd, device);
        _norm = Weights.Norm(config.HiddenSize, config.LayerNormEps, device);
        RegisterComponents();
    }

    /// <param name="x">[B,T,inputs].</param>
    /// <param name="residual">[B,T,C].</param>
    /// <returns>[B,T,C].</returns>
    public Tensor Run(Tensor x, Tensor residual)
    {
        using var scope = NewDisposeScope();
        Tensor y = nn.functional.dropout(_dense.call(x), _dropout, training);
        return _norm.call(y + residual).MoveToOuterDisposeScope();
    }
}
