using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Cognition;

/// <summary>
/// The cognitive adapter (paper, section 3.1): learnable queries that read CLIP's image tokens and become the cognitive
/// embedding E, in the manner of BLIP-2's Q-Former (Li et al., 2023). Keys are those of the reproduction's checkpoints
/// below <c>global_adapter.</c>
/// </summary>
public sealed class CognitiveAdapter : nn.Module<Tensor, Tensor>
{
    /// <summary>What the keys of a full CoSeR checkpoint carry in front.</summary>
    public const string CheckpointPrefix = "global_adapter.";

    // BERT's initializer_range.
    internal const double InitialStd = 0.02;

    [ComponentName(Name = "query_tokens")]
    private readonly Parameter _queries;

    [ComponentName(Name = "Qformer")]
    private readonly QFormer _transformer;

    /// <summary>Builds the network with BERT's initialisation: normal with deviation 0.02, biases 0.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="device">Where the weights are made; <c>torch.META</c> makes shapes only, without memory or time.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    public CognitiveAdapter(CognitiveAdapterConfig config, Device? device = null)
        : base(nameof(CognitiveAdapter))
    {
        config.Validate();
        Config = config;
        _queries = Weights.Normal([1, config.Queries, config.HiddenSize], InitialStd, device);
        _transformer = new QFormer(config, device);
        RegisterComponents();
    }

    /// <summary>The hyper-parameters.</summary>
    public CognitiveAdapterConfig Config { get; }

    /// <summary>The cognitive embedding of a batch of images.</summary>
    /// <param name="input">Image tokens I, [B,T_i,vision_width] (<see cref="Clip.ClipModel.ImageTokens"/>).</param>
    /// <returns>E, [B,T_e,hidden_size] in the weights' type.</returns>
    /// <exception cref="ArgumentException">The tokens have another width.</exception>
    public override Tensor forward(Tensor input)
    {
        if (input.dim() != 3 || input.shape[2] != Config.VisionWidth)
        {
            throw new ArgumentException(
                $"the adapter takes [B,T,{Config.VisionWidth}], not [{string.Join(",", input.shape)}]",
                nameof(input)
            );
        }
        using var scope = NewDisposeScope();
        Tensor queries = _queries.expand(input.shape[0], -1, -1);
        return _transformer.Run(queries, input.to(_queries.dtype)).MoveToOuterDisposeScope();
    }
}

/// <summary>Key <c>Qformer</c>: BERT's embeddings and encoder.</summary>
internal sealed class QFormer : nn.Module
{
    [ComponentName(Name = "embeddings")]
    private readonly QFormerEmbeddings _embeddings;

    [ComponentName(Name = "encoder")]
    private readonly QFormerEncoder _encoder;

    public QFormer(CognitiveAdapterConfig config, Device? device)
        : base(nameof(QFormer))
    {
        _embeddings = new QFormerEmbeddings(config, device);
        _encoder = new QFormerEncoder(config, device);
        RegisterComponents();
    }

    /// <param name="queries">[B,T_e,C].</param>
    /// <param name="image">[B,T_i,C_i].</param>
    /// <returns>[B,T_e,C].</returns>
    public Tensor Run(Tensor queries, Tensor image)
    {
        using var scope = NewDisposeScope();
        return _encoder.Run(_embeddings.call(queries), image).MoveToOuterDisposeScope();
    }
}

/// <summary>Queries need only the LayerNorm; the tables are for words, which never come.</summary>
internal sealed class QFormerEmbeddings : nn.Module<Tensor, Tensor>
{
    private readonly double _dropout;

    [ComponentName(Name = "position_ids")]
    private readonly Tensor? _positionIds;

    [ComponentName(Name = "word_embeddings")]
    private readonly VectorTable? _words;

    [ComponentName(Name = "position_embeddings")]
    private readonly VectorTable? _positions;

    [ComponentName(Name = "LayerNorm")]
    private readonly LayerNorm _norm;

    public QFormerEmbeddings(CognitiveAdapterConfig config, Device? device)
        : base(nameof(QFormerEmbeddings))
    {
        _dropout = config.HiddenDropout;
        _norm = Weights.Norm(config.HiddenSize, config.LayerNormEps, device);
        if (config.TextBranch)
        {
            using var scope = NewDisposeScope();
            _positionIds = arange(config.MaxPositions, dtype: torch.int64, device: device ?? CPU)
                .reshape(1, -1)
                .DetachFromDisposeScope();
            _words = new VectorTable(config.VocabSize, config.HiddenSize, CognitiveAdapter.InitialStd, device);
            _positions = new VectorTable(config.MaxPositions, config.HiddenSize, CognitiveAdapter.InitialStd, device);
        }
        RegisterComponents();
    }

    /// <param name="input">[B,T_e,C].</param>
    /// <returns>[B,T_e,C].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return nn.functional.dropout(_norm.call(input), _dropout, training).MoveToOuterDisposeScope();
    }
}

/// <summary>The stack of layers (keys <c>layer.N</c>).</summary>
internal sealed class QFormerEncoder : nn.Module
{
    [ComponentName(Name = "layer")]
    private readonly ModuleList<QFormerLayer> _layers;

    public QFormerEncoder(CognitiveAdapterConfig config, Device? device)
        : base(nameof(QFormerEncoder))
    {
        _layers = new ModuleList<QFormerLayer>([
            .. Enumerable
                .Range(0, config.Layers)
                .Select(i => new QFormerLayer(config, i % config.CrossAttentionFrequency == 0, device)),
        ]);
        RegisterComponents();
    }

    /// <param name="queries">[B,T_e,C].</param>
    /// <param name="image">[B,T_i,C_i].</param>
    /// <returns>[B,T_e,C].</returns>
    public Tensor Run(Tensor queries, Tensor image)
    {
        Tensor x = queries.alias();
        foreach (QFormerLayer layer in _layers)
        {
            using Tensor previous = x;
            x = layer.Run(previous, image);
        }
        return x;
    }
}
