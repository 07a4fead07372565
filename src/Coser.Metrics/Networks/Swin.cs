using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>MANIQA's Swin layers: each a residual of its own, weighted.</summary>
internal sealed class SwinStage : nn.Module<Tensor, Tensor>
{
    private readonly double _scale;

    // In every checkpoint, never used.
    [ComponentName(Name = "downsample")]
    private readonly Conv _unused;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<SwinLayer> _layers;

    public SwinStage(ManiqaConfig config, int width, Device? device)
        : base(nameof(SwinStage))
    {
        _scale = config.Scale;
        _unused = new Conv(width, width, 3, device, stride: 2);
        _layers = new ModuleList<SwinLayer>([
            .. config.Depths.Select((d, i) => new SwinLayer(config, width, d, config.Heads[i], device)),
        ]);
        RegisterComponents();
    }

    /// <param name="input">[B,C,S,S].</param>
    /// <returns>[B,C,S,S].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _layers.Aggregate(input, (x, layer) => layer.call(x) * _scale + x).MoveToOuterDisposeScope();
    }
}

/// <summary>Swin blocks, every second with shifted windows, then a convolution.</summary>
internal sealed class SwinLayer : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv")]
    private readonly Conv _conv;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<SwinBlock> _blocks;

    public SwinLayer(ManiqaConfig config, int width, int depth, int heads, Device? device)
        : base(nameof(SwinLayer))
    {
        int side = config.Crop / config.Patch;
        // Where one window covers all, there is nothing to shift.
        int shift = side <= config.Window ? 0 : config.Window / 2;
        _conv = new Conv(width, width, 3, device);
        _blocks = new ModuleList<SwinBlock>([
            .. Enumerable
                .Range(0, depth)
                .Select(i => new SwinBlock(config, width, heads, i % 2 == 0 ? 0 : shift, device)),
        ]);
        RegisterComponents();
    }

    /// <param name="input">[B,C,S,S].</param>
    /// <returns>[B,C,S,S], not negative.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = _blocks.Aggregate(input.permute(0, 2, 3, 1), (y, block) => block.call(y)); // [B,S,S,C]
        return nn.functional.relu(_conv.call(x.permute(0, 3, 1, 2))).MoveToOuterDisposeScope();
    }
}

/// <summary>A Swin transformer block (Liu et al., ICCV 2021): attention within windows.</summary>
internal sealed class SwinBlock : nn.Module<Tensor, Tensor>
{
    private const double Eps = 1e-5;
    private readonly int _window;
    private readonly int _shift;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1;

    [ComponentName(Name = "attn")]
    private readonly WindowAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2;

    [ComponentName(Name = "mlp")]
    private readonly TokenMlp _mlp;

    public SwinBlock(ManiqaConfig config, int width, int heads, int shift, Device? device)
        : base(nameof(SwinBlock))
    {
        (_window, _shift) = (config.Window, shift);
        _norm1 = Weights.Norm(width, Eps, device);
        _attention = new WindowAttention(width, config.Window, heads, device);
        _norm2 = Weights.Norm(width, Eps, device);
        _mlp = new TokenMlp(width, config.MlpWidth, device);
        RegisterComponents();
    }

    /// <param name="input">[B,S,S,C].</param>
    /// <returns>[B,S,S,C].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = _norm1.call(input);
        if (_shift > 0)
            x = x.roll([-_shift, -_shift], [1, 2]);
        using Tensor? mask = _shift > 0 ? Mask(input.shape[1], x) : null;
        x = Join(_attention.Run(Split(x), mask), input.shape);
        if (_shift > 0)
            x = x.roll([_shift, _shift], [1, 2]);
        x = input + x;
        return (x + _mlp.call(_norm2.call(x))).MoveToOuterDisposeScope();
    }

    // [B,S,S,C] -> [B*windows,window^2,C]
    private Tensor Split(Tensor x)
    {
        (long b, long s, long c) = (x.shape[0], x.shape[1], x.shape[3]);
        long n = s / _window;
        return x.reshape(b, n, _window, n, _window, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, _window * _window, c);
    }

    private Tensor Join(Tensor windows, long[] shape)
    {
        long n = shape[1] / _window;
        return windows.reshape(shape[0], n, n, _window, _window, shape[3]).permute(0, 1, 3, 2, 4, 5).reshape(shape);
    }

    // Pixels that only the roll brought together do not see each other: [windows,window^2,window^2].
    private Tensor Mask(long side, Tensor like)
    {
        using var scope = NewDisposeScope();
        long[] region = new long[side];
        for (long i = side - _window; i < side; i++)
            region[i] = i < side - _shift ? 1 : 2;
        Tensor line = tensor(region);
        Tensor areas = line.view(-1, 1) * 3 + line.view(1, -1);
        Tensor windows = Split(areas.view(1, side, side, 1)).squeeze(-1); // [windows,window^2]
        Tensor apart = windows.unsqueeze(1) != windows.unsqueeze(2);
        return (apart.to(like.dtype) * -100).to(like.device).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention within a window, with a learned bias for each relative position.</summary>
internal sealed class WindowAttention : nn.Module
{
    private readonly int _window;
    private readonly int _heads;

    [ComponentName(Name = "relative_position_bias_table")]
    private readonly Parameter _table;

    [ComponentName(Name = "qkv")]
    private readonly Dense _qkv;

    [ComponentName(Name = "proj")]
    private readonly Dense _out;

    public WindowAttention(int width, int window, int heads, Device? device)
        : base(nameof(WindowAttention))
    {
        (_window, _heads) = (window, heads);
        _table = Weights.Normal([(2 * window - 1) * (2 * window - 1), heads], 0.02, device);
        _qkv = new Dense(width, 3 * width, device);
        _out = new Dense(width, width, device);
        RegisterComponents();
    }

    /// <param name="input">[B*windows,N,C].</param>
    /// <param name="mask">[windows,N,N], added to the scores.</param>
    /// <returns>[B*windows,N,C].</returns>
    public Tensor Run(Tensor input, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        (long n, long c) = (input.shape[1], input.shape[2]);
        // [B*windows,N,3C] -> 3 x [B*windows,heads,N,d]
        Tensor[] parts = [.. _qkv.call(input).reshape(-1, n, 3, _heads, c / _heads).permute(2, 0, 3, 1, 4).unbind()];
        Tensor scores = matmul(parts[0] * Math.Pow(c / _heads, -0.5), parts[1].transpose(-2, -1)) + Bias(n);
        if (mask is not null)
        {
            Tensor grouped = scores.reshape(-1, mask.shape[0], _heads, n, n) + mask.unsqueeze(1);
            scores = grouped.reshape(-1, _heads, n, n);
        }
        Tensor mixed = matmul(nn.functional.softmax(scores, -1), parts[2]).transpose(1, 2).reshape(-1, n, c);
        return _out.call(mixed).MoveToOuterDisposeScope();
    }

    // [heads,N,N]
    private Tensor Bias(long n)
    {
        long[] index = new long[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                int down = i / _window - j / _window + _window - 1;
                int right = i % _window - j % _window + _window - 1;
                index[i * n + j] = down * (2 * _window - 1) + right;
            }
        }
        return _table.index_select(0, tensor(index, device: _table.device)).view(n, n, _heads).permute(2, 0, 1);
    }
}
