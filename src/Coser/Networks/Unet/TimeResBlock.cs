using System.Globalization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>Whether a residual block changes the resolution.</summary>
internal enum Resampling
{
    None,
    Halve,
    Double,
}

/// <summary>A residual block that knows the timestep (keys <c>in_layers</c>, <c>emb_layers</c>, <c>out_layers</c>).</summary>
internal sealed class TimeResBlock : nn.Module
{
    internal const double NormEps = 1e-5;

    [ComponentName(Name = "in_layers")]
    private readonly NormSwishConv _in;

    [ComponentName(Name = "emb_layers")]
    private readonly Slot<Dense> _time;

    [ComponentName(Name = "out_layers")]
    private readonly NormSwishConv _out;

    [ComponentName(Name = "skip_connection")]
    private readonly Conv? _skip;

    private readonly bool _scaleShift;
    private readonly Resampling _resampling;

    public TimeResBlock(
        int inputs,
        int outputs,
        EncoderConfig config,
        Device? device,
        Resampling resampling = Resampling.None
    )
        : base(nameof(TimeResBlock))
    {
        (_scaleShift, _resampling) = (config.ScaleShift, resampling);
        _in = new NormSwishConv(inputs, outputs, config.NormGroups, device);
        _time = new(1, new Dense(config.EmbeddingWidth, _scaleShift ? 2 * outputs : outputs, device));
        // Index 2 is a dropout.
        _out = new NormSwishConv(outputs, outputs, config.NormGroups, device, convIndex: 3, silent: true);
        _skip = inputs == outputs ? null : new Conv(inputs, outputs, 1, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <param name="time">[B,4C], after its swish.</param>
    /// <returns>[B,C',H',W'].</returns>
    public Tensor Run(Tensor input, Tensor time)
    {
        using var scope = NewDisposeScope();
        Tensor x = Resample(input);
        Tensor residual = Residual(input, time);
        return ((_skip?.call(x) ?? x) + residual).MoveToOuterDisposeScope();
    }

    private Tensor Residual(Tensor input, Tensor time)
    {
        using var scope = NewDisposeScope();
        Tensor shift = _time.Value.call(time).unsqueeze(-1).unsqueeze(-1); // [B,C',1,1]
        Tensor x = _in.Convolve(Resample(_in.Activate(input)));
        if (!_scaleShift)
            return _out.call(Add(x, shift)).MoveToOuterDisposeScope();
        Tensor[] parts = shift.chunk(2, dim: 1);
        return _out.Convolve(Swish.Of(_out.Normalise(x) * (parts[0] + 1) + parts[1])).MoveToOuterDisposeScope();
    }

    private static Tensor Add(Tensor own, Tensor shift) => is_grad_enabled() ? own + shift : own.add_(shift);

    private Tensor Resample(Tensor x) =>
        _resampling switch
        {
            Resampling.Halve => nn.functional.avg_pool2d(x, 2),
            Resampling.Double => Doubling.Twice(x),
            _ => x,
        };
}

/// <summary>Norm (index 0), swish, 3x3 convolution (index 2, or 3 behind a dropout).</summary>
internal sealed class NormSwishConv : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "0")]
    private readonly GroupNormalisation _norm;

    // Registered by its number, which is no constant.
    private readonly Conv[] _conv;

    public NormSwishConv(int inputs, int outputs, int groups, Device? device, int convIndex = 2, bool silent = false)
        : base(nameof(NormSwishConv))
    {
        _norm = new GroupNormalisation(groups, inputs, TimeResBlock.NormEps, device);
        RegisterComponents();
        var conv = new Conv(inputs, outputs, 3, device);
        _conv = [silent ? conv.Silent() : conv];
        register_module(convIndex.ToString(CultureInfo.InvariantCulture), _conv[0]);
    }

    public ScalarType Type => _conv[0].Type;

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',H,W].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Convolve(Activate(input)).MoveToOuterDisposeScope();
    }

    public Tensor Normalise(Tensor input) => _norm.call(input);

    public Tensor Activate(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Swish.Of(Normalise(input)).MoveToOuterDisposeScope();
    }

    public Tensor Convolve(Tensor input) => _conv[0].call(input);
}
