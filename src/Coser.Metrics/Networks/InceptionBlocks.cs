using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>What a branch does before its convolutions.</summary>
internal enum InceptionPool
{
    None,

    /// <summary>3x3, every place; padding does not count.</summary>
    Average,

    /// <summary>3x3, every place.</summary>
    Maximum,

    /// <summary>3x3, every second place, no padding.</summary>
    Halving,
}

/// <summary>One convolution: its key, channels out, kernel; padded to keep the size, or not at all.</summary>
internal readonly record struct InceptionLayer(
    string Name,
    int Outputs,
    int High,
    int Wide,
    int Stride = 1,
    bool Padded = false
);

/// <summary>A branch: pooling, convolutions in a row, then convolutions side by side.</summary>
internal sealed record InceptionBranch(InceptionPool Pool, InceptionLayer[] Row, params InceptionLayer[] Fork);

/// <summary>Convolution without bias, batch normalisation with fixed statistics (eps 0.001), ReLU.</summary>
internal sealed class InceptionConv : nn.Module<Tensor, Tensor>
{
    private const double Eps = 0.001;
    private readonly InceptionLayer _layer;

    [ComponentName(Name = "conv")]
    private readonly WeightOnly _conv;

    [ComponentName(Name = "bn")]
    private readonly FixedNorm _norm;

    public InceptionConv(int inputs, InceptionLayer layer, Device? device)
        : base(nameof(InceptionConv))
    {
        _layer = layer;
        _conv = new WeightOnly([layer.Outputs, inputs, layer.High, layer.Wide], device);
        _norm = new FixedNorm(layer.Outputs, device);
        RegisterComponents();
    }

    public ScalarType Type => _conv.Weight.dtype;

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        long[] padding = _layer.Padded ? [_layer.High / 2, _layer.Wide / 2] : [0, 0];
        Tensor x = nn.functional.conv2d(input, _conv.Weight, strides: [_layer.Stride, _layer.Stride], padding: padding);
        return nn.functional.relu(_norm.Apply(x, Eps)).MoveToOuterDisposeScope();
    }
}

/// <summary>A convolution's weights alone.</summary>
internal sealed class WeightOnly : nn.Module
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public WeightOnly(long[] shape, Device? device)
        : base(nameof(WeightOnly))
    {
        _weight = Weights.Uniform(shape, shape[1] * shape[2] * shape[3], device);
        RegisterComponents();
    }

    public Tensor Weight => _weight;
}

/// <summary>Batch normalisation by the statistics of training.</summary>
internal sealed class FixedNorm : nn.Module
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    [ComponentName(Name = "running_mean")]
    private readonly Parameter _mean;

    [ComponentName(Name = "running_var")]
    private readonly Parameter _variance;

    public FixedNorm(long channels, Device? device)
        : base(nameof(FixedNorm))
    {
        _weight = Weights.Constant([channels], 1, device);
        _bias = Weights.Constant([channels], 0, device);
        _mean = Weights.Constant([channels], 0, device);
        _variance = Weights.Constant([channels], 1, device);
        RegisterComponents();
    }

    public Tensor Apply(Tensor x, double eps) =>
        nn.functional.batch_norm(x, _mean, _variance, _weight, _bias, training: false, eps: eps);
}

/// <summary>Branches over one input, side by side in the channels of the output.</summary>
internal sealed class InceptionBlock : nn.Module<Tensor, Tensor>
{
    private readonly InceptionBranch[] _branches;
    private readonly Dictionary<string, InceptionConv> _convolutions = new(StringComparer.Ordinal);

    public InceptionBlock(int inputs, Device? device, params InceptionBranch[] branches)
        : base(nameof(InceptionBlock))
    {
        _branches = branches;
        foreach (InceptionBranch branch in branches)
        {
            int width = inputs;
            foreach (InceptionLayer layer in branch.Row)
            {
                Add(width, layer, device);
                width = layer.Outputs;
            }
            foreach (InceptionLayer layer in branch.Fork)
                Add(width, layer, device);
        }
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',H',W'].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return cat([.. _branches.SelectMany(b => Run(b, input))], dim: 1).MoveToOuterDisposeScope();
    }

    private IEnumerable<Tensor> Run(InceptionBranch branch, Tensor input)
    {
        Tensor x = branch.Pool switch
        {
            InceptionPool.Average => Pooling.Mean3(input),
            InceptionPool.Maximum => Pooling.Max(input, 3, 1, 1),
            InceptionPool.Halving => Pooling.Max(input, 3, 2),
            _ => input,
        };
        x = branch.Row.Aggregate(x, (y, layer) => _convolutions[layer.Name].call(y));
        return branch.Fork.Length == 0 ? [x] : [.. branch.Fork.Select(l => _convolutions[l.Name].call(x))];
    }

    private void Add(int inputs, InceptionLayer layer, Device? device)
    {
        var convolution = new InceptionConv(inputs, layer, device);
        _convolutions[layer.Name] = convolution;
        register_module(layer.Name, convolution);
    }
}

/// <summary>The five kinds of blocks.</summary>
internal static class InceptionBlocks
{
    public static InceptionBlock A(int inputs, int pooled, Device? device) =>
        new(
            inputs,
            device,
            new InceptionBranch(InceptionPool.None, [new("branch1x1", 64, 1, 1)]),
            new InceptionBranch(
                InceptionPool.None,
                [new("branch5x5_1", 48, 1, 1), new("branch5x5_2", 64, 5, 5, Padded: true)]
            ),
            new InceptionBranch(
                InceptionPool.None,
                [
                    new("branch3x3dbl_1", 64, 1, 1),
                    new("branch3x3dbl_2", 96, 3, 3, Padded: true),
                    new("branch3x3dbl_3", 96, 3, 3, Padded: true),
                ]
            ),
            new InceptionBranch(InceptionPool.Average, [new("branch_pool", pooled, 1, 1)])
        );

    public static InceptionBlock B(int inputs, Device? device) =>
        new(
            inputs,
            device,
            new InceptionBranch(InceptionPool.None, [new("branch3x3", 384, 3, 3, Stride: 2)]),
            new InceptionBranch(
                InceptionPool.None,
                [
                    new("branch3x3dbl_1", 64, 1, 1),
                    new("branch3x3dbl_2", 96, 3, 3, Padded: true),
                    new("branch3x3dbl_3", 96, 3, 3, Stride: 2),
                ]
            ),
            new InceptionBranch(InceptionPool.Halving, [])
        );

    public static InceptionBlock C(int inner, Device? device) =>
        new(
            768,
            device,
            new InceptionBranch(InceptionPool.None, [new("branch1x1", 192, 1, 1)]),
            new InceptionBranch(
                InceptionPool.None,
                [
                    new("branch7x7_1", inner, 1, 1),
                    new("branch7x7_2", inner, 1, 7, Padded: true),
                    new("branch7x7_3", 192, 7, 1, Padded: true),
                ]
            ),
            new InceptionBranch(
                InceptionPool.None,
                [
                    new("branch7x7dbl_1", inner, 1, 1),
                    new("branch7x7dbl_2", inner, 7, 1, Padded: true),
                    new("branch7x7dbl_3", inner, 1, 7, Padded: true),
                    new("branch7x7dbl_4", inner, 7, 1, Padded: true),
                    new("branch7x7dbl_5", 192, 1, 7, Padded: true),
                ]
            ),
            new InceptionBranch(InceptionPool.Average, [new("branch_pool", 192, 1, 1)])
        );

    public static InceptionBlock D(Device? device) =>
        new(
            768,
            device,
            new InceptionBranch(
                InceptionPool.None,
                [new("branch3x3_1", 192, 1, 1), new("branch3x3_2", 320, 3, 3, Stride: 2)]
            ),
            new InceptionBranch(
                InceptionPool.None,
                [
                    new("branch7x7x3_1", 192, 1, 1),
                    new("branch7x7x3_2", 192, 1, 7, Padded: true),
                    new("branch7x7x3_3", 192, 7, 1, Padded: true),
                    new("branch7x7x3_4", 192, 3, 3, Stride: 2),
                ]
            ),
            new InceptionBranch(InceptionPool.Halving, [])
        );

    public static InceptionBlock E(int inputs, InceptionPool pool, Device? device) =>
        new(
            inputs,
            device,
            new InceptionBranch(InceptionPool.None, [new("branch1x1", 320, 1, 1)]),
            new InceptionBranch(
                InceptionPool.None,
                [new("branch3x3_1", 384, 1, 1)],
                new("branch3x3_2a", 384, 1, 3, Padded: true),
                new("branch3x3_2b", 384, 3, 1, Padded: true)
            ),
            new InceptionBranch(
                InceptionPool.None,
                [new("branch3x3dbl_1", 448, 1, 1), new("branch3x3dbl_2", 384, 3, 3, Padded: true)],
                new("branch3x3dbl_3a", 384, 1, 3, Padded: true),
                new("branch3x3dbl_3b", 384, 3, 1, Padded: true)
            ),
            new InceptionBranch(pool, [new("branch_pool", 192, 1, 1)])
        );
}
