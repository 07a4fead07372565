using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Training.Adversarial;

/// <summary>
/// Tells real patches from painted ones, one score a place (Isola et al., CVPR 2017). Spectral normalisation (Miyato et
/// al., ICLR 2018) instead of batch statistics, which mislead at small batches; not of the first and the last layer, as in
/// Real-ESRGAN's discriminator. With all layers bound and no gain the scores stayed so far below the hinge's margin that 80
/// steps lowered the loss to 0.89 only, where it now is below 0.3 (docs/coser-mini.md).
/// </summary>
public sealed class PatchDiscriminator : nn.Module<Tensor, Tensor>
{
    private const double Slope = 0.2;
    private const double Gain = 2; // what a bound layer and its activation take from a signal, about

    [ComponentName(Name = "layers")]
    private readonly ModuleList<PatchConv> _layers;

    /// <param name="widths">Channels; each layer but the last halves the resolution.</param>
    /// <exception cref="ArgumentException">No width, or one below 1.</exception>
    public PatchDiscriminator(IReadOnlyList<int> widths)
        : base(nameof(PatchDiscriminator))
    {
        if (widths.Count == 0 || widths.Any(w => w < 1))
            throw new ArgumentException("a discriminator needs widths of at least 1", nameof(widths));
        _layers = new ModuleList<PatchConv>([
            .. widths.Select(
                (w, i) =>
                    new PatchConv(i == 0 ? 3 : widths[i - 1], w, kernel: 4, stride: i < widths.Count - 1 ? 2 : 1, i > 0)
            ),
            new PatchConv(widths[^1], 1, kernel: 3, stride: 1, spectral: false),
        ]);
        RegisterComponents();
    }

    /// <param name="input">[B,3,H,W], about [0,1].</param>
    /// <returns>Scores [B,1,h,w], float32: high where it believes in a photo.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = (input * 2 - 1).to(_layers[0].Type);
        for (int i = 0; i < _layers.Count; i++)
        {
            x = _layers[i].call(x);
            if (i < _layers.Count - 1)
                x = nn.functional.leaky_relu(x, Slope) * Gain;
        }
        return x.to(float32).MoveToOuterDisposeScope();
    }
}

/// <summary>A convolution; a spectral one's weight is divided by its largest singular value.</summary>
internal sealed class PatchConv : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv2d _conv;

    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly bool _spectral;

    public PatchConv(long inputs, long outputs, long kernel, long stride, bool spectral)
        : base(nameof(PatchConv))
    {
        _spectral = spectral;
        _conv = nn.Conv2d(inputs, outputs, kernel);
        _stride = [stride, stride];
        _padding = [(kernel - 1) / 2, (kernel - 1) / 2];
        RegisterComponents();
    }

    public ScalarType Type => _conv.weight.dtype;

    /// <param name="input">[B,C,H,W].</param>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor weight = _spectral ? _conv.weight / LargestSingularValue().to(Type) : _conv.weight;
        return BlockedConvolution.Apply(input, weight, _conv.bias, _stride, _padding).MoveToOuterDisposeScope();
    }

    // Exact, not by power iteration, whose vector would be one more state to save. Outputs are few: the Gram matrix is small.
    private Tensor LargestSingularValue()
    {
        Tensor flat = _conv.weight.to(float32).flatten(1); // [out,in*k*k]
        return linalg.eigvalsh(flat.mm(flat.t()))[^1].sqrt();
    }
}
