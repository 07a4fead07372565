using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Autoencoder;

/// <summary>
/// Adds what the LR image's own maps know to the decoder's (controllable feature wrapping: Wang et al., StableSR, IJCV 2024,
/// section 3.2; CoSeR's paper, section 3.4).
/// </summary>
internal sealed class FeatureFusion : nn.Module
{
    [ComponentName(Name = "encode_enc_1")]
    private readonly ResidualBlock _join;

    [ComponentName(Name = "encode_enc_2")]
    private readonly ModuleList<ResidualInResidual> _body;

    [ComponentName(Name = "encode_enc_3")]
    private readonly ResidualBlock _last;

    public FeatureFusion(AutoencoderConfig config, int width, Device? device)
        : base(nameof(FeatureFusion))
    {
        _join = new ResidualBlock(2 * width, width, config.NormGroups, device, shortcutName: "conv_out");
        _body = new ModuleList<ResidualInResidual>([
            .. Enumerable
                .Range(0, config.FuseBlocks!.Value)
                .Select(_ => new ResidualInResidual(width, config.FuseGrowth, device)),
        ]);
        _last = new ResidualBlock(width, width, config.NormGroups, device);
        RegisterComponents();
    }

    /// <param name="encoded">[B,C,H,W] of the encoder.</param>
    /// <param name="decoded">[B,C,H,W] of the decoder.</param>
    /// <returns>[B,C,H,W].</returns>
    public Tensor Fuse(Tensor encoded, Tensor decoded, double weight)
    {
        using var scope = NewDisposeScope();
        Tensor x = _join.call(cat([encoded, decoded], dim: 1));
        x = _last.call(_body.Aggregate(x, (y, block) => block.call(y)));
        return decoded.add(x, weight).MoveToOuterDisposeScope();
    }
}
