using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Autoencoder;

/// <summary>Norm, swish, convolution, twice, beside a shortcut.</summary>
internal sealed class ResidualBlock : nn.Module<Tensor, Tensor>
{
    internal const double NormEps = 1e-6;

    [ComponentName(Name = "norm1")]
    private readonly GroupNormalisation _norm1;

    [ComponentName(Name = "conv1")]
    private readonly Conv _conv1;

    [ComponentName(Name = "norm2")]
    private readonly GroupNormalisation _norm2;

    [ComponentName(Name = "conv2")]
    private readonly Conv _conv2;

    // Not a field of a module's type: it is registered under the name the checkpoint has for it.
    private readonly Conv?[] _shortcut;

    public ResidualBlock(int inputs, int outputs, int groups, Device? device, string shortcutName = "nin_shortcut")
        : base(nameof(ResidualBlock))
    {
        _norm1 = new GroupNormalisation(groups, inputs, NormEps, device);
        _conv1 = new Conv(inputs, outputs, 3, device);
        _norm2 = new GroupNormalisation(groups, outputs, NormEps, device);
        _conv2 = new Conv(outputs, outputs, 3, device);
        RegisterComponents();
        _shortcut = [inputs == outputs ? null : new Conv(inputs, outputs, 1, device)];
        if (_shortcut[0] is { } shortcut)
            register_module(shortcutName, shortcut);
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor residual = Residual(input);
        Tensor shortcut = Shortcut(input);
        return (is_grad_enabled() ? shortcut + residual : residual.add_(shortcut)).MoveToOuterDisposeScope();
    }

    private Tensor Shortcut(Tensor input) => _shortcut[0]?.call(input) ?? input;

    // A scope for each half: at full resolution every map that lives longer than needed is felt.
    private Tensor Residual(Tensor input) => Half(_norm2, _conv2, Half(_norm1, _conv1, input));

    private static Tensor Half(GroupNormalisation norm, Conv conv, Tensor x)
    {
        using var scope = NewDisposeScope();
        return conv.call(Swish.Of(norm.call(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>Single-headed self-attention over all places, as a residual.</summary>
internal sealed class PlaceAttention : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm")]
    private readonly GroupNormalisation _norm;

    [ComponentName(Name = "q")]
    private readonly Conv _query;

    [ComponentName(Name = "k")]
    private readonly Conv _key;

    [ComponentName(Name = "v")]
    private readonly Conv _value;

    [ComponentName(Name = "proj_out")]
    private readonly Conv _out;

    public PlaceAttention(int width, int groups, Device? device)
        : base(nameof(PlaceAttention))
    {
        _norm = new GroupNormalisation(groups, width, ResidualBlock.NormEps, device);
        _query = new Conv(width, width, 1, device);
        _key = new Conv(width, width, 1, device);
        _value = new Conv(width, width, 1, device);
        _out = new Conv(width, width, 1, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C,H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = _norm.call(input);
        Tensor attended = MultiHead.Attend(Tokens(_query), Tokens(_key), Tokens(_value), heads: 1);
        // [B,HW,C] -> [B,C,H,W]
        return (input + _out.call(attended.transpose(1, 2).reshape(input.shape))).MoveToOuterDisposeScope();

        // [B,C,H,W] -> [B,HW,C]
        Tensor Tokens(Conv projection) => projection.call(x).flatten(2).transpose(1, 2).contiguous();
    }
}

/// <summary>The blocks at the lowest resolution.</summary>
internal sealed class Middle : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "block_1")]
    private readonly ResidualBlock _block1;

    [ComponentName(Name = "attn_1")]
    private readonly PlaceAttention? _attention;

    [ComponentName(Name = "block_2")]
    private readonly ResidualBlock _block2;

    public Middle(AutoencoderConfig config, int width, Device? device)
        : base(nameof(Middle))
    {
        _block1 = new ResidualBlock(width, width, config.NormGroups, device);
        _attention = config.MidAttention ? new PlaceAttention(width, config.NormGroups, device) : null;
        _block2 = new ResidualBlock(width, width, config.NormGroups, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,h,w].</param>
    /// <returns>[B,C,h,w].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = _block1.call(input);
        if (_attention is not null)
            x = _attention.call(x);
        return _block2.call(x).MoveToOuterDisposeScope();
    }
}

/// <summary>Halves the resolution; padded at the right and bottom only, as latent diffusion does.</summary>
internal sealed class Downsample : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv _conv;

    public Downsample(int width, Device? device)
        : base(nameof(Downsample))
    {
        _conv = new Conv(width, width, 3, device, stride: 2, padding: 0);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C,H/2,W/2].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor padded = nn.functional.pad(input, [0, 1, 0, 1], PaddingModes.Constant, 0);
        return _conv.call(padded).MoveToOuterDisposeScope();
    }
}
