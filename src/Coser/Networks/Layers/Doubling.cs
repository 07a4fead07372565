using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>Doubles the resolution: every pixel four times, then a convolution.</summary>
internal sealed class Doubling : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv _conv;

    public Doubling(int inputs, int outputs, Device? device)
        : base(nameof(Doubling))
    {
        _conv = new Conv(inputs, outputs, 3, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',2H,2W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor doubled =
            input.device_type == DeviceType.CPU && !is_grad_enabled()
                ? _conv.OnDoubled(input)
                : _conv.call(Twice(input));
        return doubled.MoveToOuterDisposeScope();
    }

    /// <summary>[B,C,2H,2W]: every pixel four times.</summary>
    public static Tensor Twice(Tensor x) =>
        nn.functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest);
}
