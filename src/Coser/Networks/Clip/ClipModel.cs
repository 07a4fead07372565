using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Clip;

/// <summary>Which block's output a text is taken from.</summary>
public enum ClipTextLayer
{
    /// <summary>All blocks.</summary>
    Last,

    /// <summary>All blocks but the last: what Stable Diffusion 2 and CoSeR are conditioned on.</summary>
    Penultimate,
}

/// <summary>
/// CLIP (Radford et al., ICML 2021) with open_clip's parameter names: an image tower and a text tower that meet in one
/// space. CoSeR's cognition reads the image tower's tokens and is taught by the text tower's (paper, section 3.1).
/// </summary>
public sealed class ClipModel : nn.Module
{
    [ComponentName(Name = "positional_embedding")]
    private readonly Parameter _positions;

    [ComponentName(Name = "text_projection")]
    private readonly Parameter _textProjection;

    [ComponentName(Name = "logit_scale")]
    private readonly Parameter _logitScale;

    [ComponentName(Name = "visual")]
    private readonly ClipVisionTower _visual;

    [ComponentName(Name = "transformer")]
    private readonly ClipTransformer _transformer;

    [ComponentName(Name = "token_embedding")]
    private readonly VectorTable _words;

    [ComponentName(Name = "ln_final")]
    private readonly LayerNorm _normFinal;

    /// <summary>Builds both towers with the initialisation of the paper (section 2.5).</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="device">Where the weights are made; <c>torch.META</c> makes shapes only, without memory or time.</param>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    public ClipModel(ClipConfig config, Device? device = null)
        : base(nameof(ClipModel))
    {
        config.Validate();
        Config = config;
        ClipTextConfig text = config.Text;
        _positions = Weights.Normal([text.ContextLength, text.Width], 0.01, device);
        _textProjection = Weights.Normal([text.Width, config.EmbedDim], Math.Pow(text.Width, -0.5), device);
        _logitScale = Weights.Constant([], Math.Log(1 / 0.07), device);
        _visual = new ClipVisionTower(config, device);
        _transformer = new ClipTransformer(
            new(text.Width, text.Heads, text.Layers, text.MlpRatio, config.Activation),
            device
        );
        _words = new VectorTable(text.VocabSize, text.Width, 0.02, device);
        _normFinal = Weights.Norm(text.Width, ClipBlockConfig.NormEps, device);
        RegisterComponents();
    }

    /// <summary>The hyper-parameters.</summary>
    public ClipConfig Config { get; }

    /// <summary>Type of the weights.</summary>
    public ScalarType Type => _textProjection.dtype;

    /// <summary>Logarithm of the inverse temperature of contrastive training: a scalar parameter.</summary>
    public Tensor LogitScale => _logitScale;

    /// <summary>
    /// The image embedding I of CoSeR: every token including the class token, from the last block, without the final
    /// LayerNorm, times the projection.
    /// </summary>
    /// <param name="image">[B,3,S,S], normalised (<see cref="ClipPreprocessing"/>).</param>
    /// <returns>[B,1+N,embed_dim] in the weights' type; class token first, then patches row by row.</returns>
    /// <exception cref="ArgumentException">The image is of another size.</exception>
    public Tensor ImageTokens(Tensor image)
    {
        using var scope = NewDisposeScope();
        return _visual.Project(_visual.Tokens(image)).MoveToOuterDisposeScope();
    }

    /// <summary>The image tower's tokens as its last block leaves them, not projected.</summary>
    /// <param name="image">[B,3,S,S], normalised.</param>
    /// <returns>[B,1+N,width] in the weights' type.</returns>
    /// <exception cref="ArgumentException">The image is of another size.</exception>
    public Tensor RawImageTokens(Tensor image) => _visual.Tokens(image);

    /// <summary>The image in the joint space.</summary>
    /// <param name="image">[B,3,S,S], normalised.</param>
    /// <param name="normalise">Scale to length 1, in float32.</param>
    /// <param name="pooling">The class token by default.</param>
    /// <returns>[B,embed_dim].</returns>
    /// <exception cref="ArgumentException">The image is of another size.</exception>
    public Tensor EmbedImage(Tensor image, bool normalise = true, ClipPooling pooling = ClipPooling.ClassToken)
    {
        using var scope = NewDisposeScope();
        Tensor pooled = _visual.Pool(_visual.Tokens(image), pooling);
        return (normalise ? ClipSimilarity.Unit(pooled) : pooled).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The language embedding L of CoSeR: every token after the given block and the final LayerNorm.
    /// </summary>
    /// <param name="tokens">Ids [B,T], int64, T at most context_length.</param>
    /// <param name="layer">The penultimate block by default.</param>
    /// <returns>[B,T,text width] in the weights' type.</returns>
    /// <exception cref="ArgumentException">A text has more tokens than the context.</exception>
    public Tensor TextTokens(Tensor tokens, ClipTextLayer layer = ClipTextLayer.Penultimate)
    {
        if (tokens.dim() != 2 || tokens.shape[1] > Config.Text.ContextLength)
        {
            throw new ArgumentException(
                $"the text tower takes [B,T] with T at most {Config.Text.ContextLength}, not [{string.Join(",", tokens.shape)}]",
                nameof(tokens)
            );
        }
        using var scope = NewDisposeScope();
        Tensor x = _words.call(tokens) + _positions.narrow(0, 0, tokens.shape[1]);
        int blocks = layer == ClipTextLayer.Penultimate ? Config.Text.Layers - 1 : Config.Text.Layers;
        return _normFinal.call(_transformer.Run(x, causal: true, blocks)).MoveToOuterDisposeScope();
    }

    /// <summary>The text in the joint space: its end token (the largest id), projected.</summary>
    /// <param name="tokens">Ids [B,T], int64.</param>
    /// <param name="normalise">Scale to length 1, in float32.</param>
    /// <returns>[B,embed_dim].</returns>
    /// <exception cref="ArgumentException">A text has more tokens than the context.</exception>
    public Tensor EmbedText(Tensor tokens, bool normalise = true)
    {
        using var scope = NewDisposeScope();
        Tensor all = TextTokens(tokens, ClipTextLayer.Last);
        // [B] -> [B,1,C]
        Tensor end = tokens.argmax(-1).reshape(-1, 1, 1).expand(-1, 1, all.shape[2]);
        Tensor embedded = matmul(all.gather(1, end).squeeze(1), _textProjection);
        return (normalise ? ClipSimilarity.Unit(embedded) : embedded).MoveToOuterDisposeScope();
    }
}

/// <summary>Closeness in the joint space: plain cosines, without the factors and clipping of the published CLIP-Scores.</summary>
public static class ClipSimilarity
{
    /// <summary>Row i of one with row i of the other.</summary>
    /// <param name="first">[B,C], any length.</param>
    /// <param name="second">[B,C].</param>
    /// <returns>[B], [-1,1], float32.</returns>
    public static Tensor Cosine(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        return (Unit(first) * Unit(second)).sum(-1).MoveToOuterDisposeScope();
    }

    /// <summary>Every row of one with every row of the other.</summary>
    /// <param name="first">[A,C].</param>
    /// <param name="second">[B,C].</param>
    /// <returns>[A,B], [-1,1], float32.</returns>
    public static Tensor CosineMatrix(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        return matmul(Unit(first), Unit(second).transpose(0, 1)).MoveToOuterDisposeScope();
    }

    /// <summary>Rows of length 1, float32.</summary>
    internal static Tensor Unit(Tensor x) => nn.functional.normalize(x.to(torch.float32), dim: -1);
}
