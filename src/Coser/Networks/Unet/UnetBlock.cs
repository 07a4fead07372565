using System.Globalization;
using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>Some layers in a row, keys "0", "1", ...: latent diffusion's TimestepEmbedSequential.</summary>
internal sealed class UnetBlock : nn.Module
{
    // An array is not registered by itself: its members get their numbers as names.
    private readonly nn.Module[] _layers;

    public UnetBlock(params IEnumerable<nn.Module> layers)
        : base(nameof(UnetBlock))
    {
        _layers = [.. layers];
        foreach ((int i, nn.Module layer) in _layers.Index())
            register_module(i.ToString(CultureInfo.InvariantCulture), layer);
    }

    /// <summary>The transformer of this block, if it has one.</summary>
    public SpatialTransformer? Transformer => _layers.OfType<SpatialTransformer>().SingleOrDefault();

    /// <param name="input">[B,C,H,W].</param>
    /// <param name="time">[B,4C], after its swish.</param>
    /// <param name="context">[B,T,context].</param>
    /// <param name="recompute">Keep nothing for the gradients, compute it again then.</param>
    /// <returns>[B,C',H',W'].</returns>
    public Tensor Run(
        Tensor input,
        Tensor time,
        Tensor context,
        AttentionMemory? memory = null,
        bool recompute = false
    ) =>
        recompute
            ? Recomputation.Run(
                this,
                inputs =>
                    Run(inputs[0]!, inputs[1]!, inputs[2]!, memory is null ? null : AttentionMemory.Of(inputs, 3)),
                [input, time, context, .. memory?.Tensors ?? []]
            )
            : Run(input, time, context, memory);

    private Tensor Run(Tensor input, Tensor time, Tensor context, AttentionMemory? memory)
    {
        using var scope = NewDisposeScope();
        Tensor x = input;
        foreach (nn.Module layer in _layers)
        {
            Tensor before = x;
            x = layer switch
            {
                TimeResBlock block => block.Run(x, time),
                SpatialTransformer transformer => transformer.Run(x, context, memory),
                nn.Module<Tensor, Tensor> plain => plain.call(x),
                _ => throw new InvalidOperationException($"a {layer.GetType().Name} cannot be part of a block"),
            };
            if (!ReferenceEquals(before, input))
                before.Dispose();
        }
        return x.MoveToOuterDisposeScope();
    }
}

/// <summary>Halves the resolution by a 3x3 convolution of stride 2.</summary>
internal sealed class Halving : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "op")]
    private readonly Conv _conv;

    public Halving(int inputs, int outputs, Device? device)
        : base(nameof(Halving))
    {
        _conv = new Conv(inputs, outputs, 3, device, stride: 2);
        RegisterComponents();
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',H/2,W/2].</returns>
    public override Tensor forward(Tensor input) => _conv.call(input);
}

/// <summary>The way down and the middle, built alike for UNet and control.</summary>
internal sealed class EncoderBlocks
{
    public EncoderBlocks(EncoderConfig config, Device? device, bool middleTakesControl)
    {
        config.Validate();
        var blocks = new List<UnetBlock> { new(new Conv(config.InChannels, config.ModelChannels, 3, device)) };
        var widths = new List<int> { config.ModelChannels };
        int width = config.ModelChannels;
        for (int level = 0; level < config.ChannelMultipliers.Count; level++)
        {
            for (int i = 0; i < config.ResBlocks; i++)
            {
                var block = new TimeResBlock(width, config.Width(level), config, device);
                width = config.Width(level);
                nn.Module[] transformer = config.Attends(level) ? [new SpatialTransformer(width, config, device)] : [];
                Add(block, transformer);
            }
            if (level == config.ChannelMultipliers.Count - 1)
                continue;
            if (config.ResBlockResampling)
                Add(new TimeResBlock(width, width, config, device, Resampling.Halve));
            else
                Add(new Halving(width, width, device));
        }
        (Down, Widths) = (blocks, widths);
        Middle = new UnetBlock(
            new TimeResBlock(width, width, config, device),
            new SpatialTransformer(width, config, device, middleTakesControl ? width : null),
            new TimeResBlock(width, width, config, device)
        );

        void Add(nn.Module first, params nn.Module[] rest)
        {
            blocks.Add(new UnetBlock([first, .. rest]));
            widths.Add(width);
        }
    }

    /// <summary>The blocks of the way down.</summary>
    public IReadOnlyList<UnetBlock> Down { get; }

    /// <summary>Channels behind each of them.</summary>
    public IReadOnlyList<int> Widths { get; }

    public UnetBlock Middle { get; }
}
