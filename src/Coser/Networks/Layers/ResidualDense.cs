using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>
/// Five convolutions, each of which sees the outputs of all before it (RRDB's dense block: Wang et al., ESRGAN, ECCVW 2018).
/// </summary>
internal sealed class ResidualDenseBlock : nn.Module<Tensor, Tensor>
{
    internal const double Slope = 0.2;
    internal static readonly Scalar ResidualScale = 0.2.ToScalar();

    [ComponentName(Name = "conv1")]
    private readonly Conv _conv1;

    [ComponentName(Name = "conv2")]
    private readonly Conv _conv2;

    [ComponentName(Name = "conv3")]
    private readonly Conv _conv3;

    [ComponentName(Name = "conv4")]
    private readonly Conv _conv4;

    [ComponentName(Name = "conv5")]
    private readonly Conv _conv5;

    public ResidualDenseBlock(int width, int growth, Device? device)
        : base(nameof(ResidualDenseBlock))
    {
        _conv1 = new Conv(width, growth, 3, device);
        _conv2 = new Conv(width + growth, growth, 3, device);
        _conv3 = new Conv(width + 2 * growth, growth, 3, device);
        _conv4 = new Conv(width + 3 * growth, growth, 3, device);
        _conv5 = new Conv(width + 4 * growth, width, 3, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C,H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor all = input;
        foreach (Conv conv in new[] { _conv1, _conv2, _conv3, _conv4 })
            all = cat([all, nn.functional.leaky_relu(conv.call(all), Slope)], dim: 1);
        return (_conv5.call(all) * ResidualScale + input).MoveToOuterDisposeScope();
    }
}

/// <summary>Three dense blocks in a residual of their own: "RRDB".</summary>
internal sealed class ResidualInResidual : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "rdb1")]
    private readonly ResidualDenseBlock _block1;

    [ComponentName(Name = "rdb2")]
    private readonly ResidualDenseBlock _block2;

    [ComponentName(Name = "rdb3")]
    private readonly ResidualDenseBlock _block3;

    public ResidualInResidual(int width, int growth, Device? device)
        : base(nameof(ResidualInResidual))
    {
        _block1 = new ResidualDenseBlock(width, growth, device);
        _block2 = new ResidualDenseBlock(width, growth, device);
        _block3 = new ResidualDenseBlock(width, growth, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C,H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = _block3.call(_block2.call(_block1.call(input)));
        return (x * ResidualDenseBlock.ResidualScale + input).MoveToOuterDisposeScope();
    }
}
