using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Coser.Networks.Layers;

namespace Coser.Networks.Cognition;

/// <summary>
/// Hyper-parameters of <see cref="CognitiveAdapter"/>, under the names of the reproduction and of BERT's configuration.
/// The defaults are full size.
/// </summary>
public sealed record CognitiveAdapterConfig
{
    /// <summary>Kind of the component in a model directory.</summary>
    public const string Kind = "cognitive_adapter";

    /// <summary>Learnable queries, T_e of the paper: tokens of the cognitive embedding.</summary>
    [JsonPropertyName("num_query_token")]
    public int Queries { get; init; } = 50;

    /// <summary>Channels of an image token.</summary>
    [JsonPropertyName("vision_width")]
    public int VisionWidth { get; init; } = 1024;

    /// <summary>Channels of a query and of the cognitive embedding. Must equal the width of the text tower that teaches it.</summary>
    [JsonPropertyName("hidden_size")]
    public int HiddenSize { get; init; } = 1024;

    /// <summary>Attention heads.</summary>
    [JsonPropertyName("num_attention_heads")]
    public int Heads { get; init; } = 16;

    /// <summary>Layers.</summary>
    [JsonPropertyName("num_hidden_layers")]
    public int Layers { get; init; } = 12;

    /// <summary>Layers 0, n, 2n, ... look at the image.</summary>
    [JsonPropertyName("cross_attention_freq")]
    public int CrossAttentionFrequency { get; init; } = 2;

    /// <summary>Hidden width of the feed-forward part.</summary>
    [JsonPropertyName("intermediate_size")]
    public int IntermediateSize { get; init; } = 3072;

    /// <summary>Activation of the feed-forward part.</summary>
    [JsonPropertyName("hidden_act")]
    public GeluKind Activation { get; init; } = GeluKind.Gelu;

    /// <summary>Epsilon of every LayerNorm.</summary>
    [JsonPropertyName("layer_norm_eps")]
    public double LayerNormEps { get; init; } = 1e-12;

    /// <summary>Share of activations set to 0 in training.</summary>
    [JsonPropertyName("hidden_dropout_prob")]
    public double HiddenDropout { get; init; } = 0.1;

    /// <summary>Share of attention weights set to 0 in training.</summary>
    [JsonPropertyName("attention_probs_dropout_prob")]
    public double AttentionDropout { get; init; } = 0.1;

    /// <summary>
    /// True: BERT's word and position tables and its feed-forward for words exist. Nothing here uses them, but the published
    /// checkpoints carry them, and a converted model keeps them. False in a model trained by this project: they would be
    /// half of its weights.
    /// </summary>
    [JsonPropertyName("text_branch")]
    public bool TextBranch { get; init; } = true;

    /// <summary>Rows of the unused word table.</summary>
    [JsonPropertyName("vocab_size")]
    public int VocabSize { get; init; } = 30522;

    /// <summary>Rows of the unused position table.</summary>
    [JsonPropertyName("max_position_embeddings")]
    public int MaxPositions { get; init; } = 512;

    /// <summary>Refuses what cannot be built.</summary>
    /// <exception cref="ArgumentException">A size is below 1 or does not divide; the message names it.</exception>
    [SuppressMessage("Usage", "MA0015", Justification = "No parameter is wrong; the message names the setting.")]
    internal void Validate()
    {
        int[] sizes =
        [
            Queries,
            VisionWidth,
            HiddenSize,
            Heads,
            Layers,
            CrossAttentionFrequency,
            IntermediateSize,
            VocabSize,
            MaxPositions,
        ];
        if (sizes.Any(s => s < 1))
            throw new ArgumentException("cognitive adapter: every size must be at least 1");
        if (HiddenSize % Heads != 0)
            throw new ArgumentException($"hidden_size {HiddenSize} is no multiple of num_attention_heads {Heads}");
        if (HiddenDropout is < 0 or >= 1 || AttentionDropout is < 0 or >= 1)
            throw new ArgumentException("dropout probabilities lie in [0,1)");
    }
}
