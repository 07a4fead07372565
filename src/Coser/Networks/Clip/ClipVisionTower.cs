using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Clip;

/// <summary>How the tokens of an image become one vector.</summary>
public enum ClipPooling
{
    /// <summary>The class token, as CLIP was trained.</summary>
    ClassToken,

    /// <summary>The mean over all tokens, the class token among them (open_clip's global average pooling).</summary>
    Average,
}

/// <summary>The image tower (keys <c>visual.*</c>): a vision transformer with a class token.</summary>
internal sealed class ClipVisionTower : nn.Module
{
    private readonly ClipVisionConfig _config;

    [ComponentName(Name = "class_embedding")]
    private readonly Parameter _classEmbedding;

    [ComponentName(Name = "positional_embedding")]
    private readonly Parameter _positions;

    [ComponentName(Name = "proj")]
    private readonly Parameter _projection;

    [ComponentName(Name = "conv1")]
    private readonly Conv2d _patches;

    [ComponentName(Name = "ln_pre")]
    private readonly LayerNorm _normBefore;

    [ComponentName(Name = "transformer")]
    private readonly ClipTransformer _transformer;

    [ComponentName(Name = "ln_post")]
    private readonly LayerNorm _normAfter;

    public ClipVisionTower(ClipConfig config, Device? device)
        : base(nameof(ClipVisionTower))
    {
        _config = config.Vision;
        int width = _config.Width;
        long side = _config.ImageSize / _config.PatchSize;
        double std = Math.Pow(width, -0.5);
        _classEmbedding = Weights.Normal([width], std, device);
        _positions = Weights.Normal([side * side + 1, width], std, device);
        _projection = Weights.Normal([width, config.EmbedDim], std, device);
        _patches = nn.Conv2d(3, width, _config.PatchSize, stride: _config.PatchSize, bias: false, device: device);
        _normBefore = Weights.Norm(width, ClipBlockConfig.NormEps, device);
        _transformer = new ClipTransformer(
            new(width, width / _config.HeadWidth, _config.Layers, _config.MlpRatio, config.Activation),
            device
        );
        _normAfter = Weights.Norm(width, ClipBlockConfig.NormEps, device);
        RegisterComponents();
    }

    /// <param name="image">[B,3,S,S], normalised.</param>
    /// <returns>[B,1+N,width]: class token, then patches row by row, as the last block leaves them.</returns>
    public Tensor Tokens(Tensor image)
    {
        if (
            image.dim() != 4
            || image.shape[1] != 3
            || image.shape[2] != _config.ImageSize
            || image.shape[3] != _config.ImageSize
        )
        {
            throw new ArgumentException(
                $"the image tower takes [B,3,{_config.ImageSize},{_config.ImageSize}], not [{string.Join(",", image.shape)}]",
                nameof(image)
            );
        }
        using var scope = NewDisposeScope();
        // [B,3,S,S] -> [B,width,s,s] -> [B,N,width]
        Tensor x = _patches.call(image.to(_patches.weight.dtype)).flatten(2).transpose(1, 2);
        Tensor classToken = _classEmbedding.expand(x.shape[0], 1, _config.Width);
        x = _normBefore.call(cat([classToken, x], 1) + _positions);
        return _transformer.Run(x, causal: false).MoveToOuterDisposeScope();
    }

    /// <param name="tokens">[B,1+N,width].</param>
    /// <returns>[B,1+N,embed_dim], without the final LayerNorm.</returns>
    public Tensor Project(Tensor tokens) => matmul(tokens, _projection);

    /// <param name="tokens">[B,1+N,width].</param>
    /// <returns>[B,embed_dim]: pooled, then LayerNorm, then projected.</returns>
    public Tensor Pool(Tensor tokens, ClipPooling pooling)
    {
        using var scope = NewDisposeScope();
        Tensor pooled = pooling == ClipPooling.Average ? tokens.mean([1]) : tokens.select(1, 0);
        return matmul(_normAfter.call(pooled), _projection).MoveToOuterDisposeScope();
    }
}
