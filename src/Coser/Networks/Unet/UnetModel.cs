using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>What a UNet keeps of a pair of control features: one memory for each of its All-in-Attention transformers.</summary>
public sealed class ControlMemory : IDisposable
{
    internal ControlMemory(AttentionMemory middle, IReadOnlyList<AttentionMemory?> up) => (Middle, Up) = (middle, up);

    internal AttentionMemory Middle { get; }

    internal IReadOnlyList<AttentionMemory?> Up { get; }

    /// <summary>
    /// How much the reference adds at every place: the root mean square over the channels of what its one-hot attention adds,
    /// averaged over the transformers.
    /// </summary>
    /// <param name="height">Of the latent.</param>
    /// <param name="width">Of the latent.</param>
    /// <returns>[B,1,height,width], float32; null where no reference is in view.</returns>
    public Tensor? ReferenceStrength(long height, long width)
    {
        using var scope = NewDisposeScope();
        Tensor[] maps =
        [
            .. Up.Prepend(Middle)
                .SelectMany(m => m?.Blocks ?? [])
                .Select(b => b.Reference)
                .OfType<Tensor>()
                .Select(added => nn.functional.interpolate(Strength(added, height, width), [height, width])),
        ];
        return maps.Length == 0 ? null : stack(maps).mean([0]).MoveToOuterDisposeScope();
    }

    // [B,hw,C] -> [B,1,h,w], where h/w is the latent's.
    private static Tensor Strength(Tensor added, long height, long width)
    {
        long rows = (long)Math.Round(Math.Sqrt((double)added.shape[1] * height / width));
        return added.to(float32).square().mean([2]).sqrt().reshape(added.shape[0], 1, rows, added.shape[1] / rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Middle.Dispose();
        foreach (AttentionMemory? memory in Up)
            memory?.Dispose();
    }

    internal ControlMemory MoveToOuterDisposeScope()
    {
        Middle.MoveToOuterDisposeScope();
        foreach (AttentionMemory? memory in Up)
            memory?.MoveToOuterDisposeScope();
        return this;
    }
}

/// <summary>
/// The denoising UNet of latent diffusion (Rombach et al., CVPR 2022) with All-in-Attention (section 3.3 of the paper). Without
/// control it is the text-to-image model that paints the reference.
/// </summary>
public sealed class UnetModel : nn.Module
{
    [ComponentName(Name = "time_embed")]
    private readonly TimeEmbedding _time;

    [ComponentName(Name = "input_blocks")]
    private readonly ModuleList<UnetBlock> _down;

    [ComponentName(Name = "middle_block")]
    private readonly UnetBlock _middle;

    [ComponentName(Name = "output_blocks")]
    private readonly ModuleList<UnetBlock> _up;

    [ComponentName(Name = "out")]
    private readonly NormSwishConv _out;

    /// <summary>Builds the network.</summary>
    /// <param name="device">META: without values, to be filled from a file.</param>
    /// <exception cref="ArgumentException">The configuration cannot be built.</exception>
    public UnetModel(UnetConfig config, Device? device = null)
        : base(nameof(UnetModel))
    {
        Config = config;
        var blocks = new EncoderBlocks(config, device, config.AllInAttention);
        _time = new TimeEmbedding(config, device);
        _down = new ModuleList<UnetBlock>([.. blocks.Down]);
        _middle = blocks.Middle;
        _up = new ModuleList<UnetBlock>([.. WayUp(config, blocks.Widths, device)]);
        _out = new NormSwishConv(config.Width(0), config.OutChannels, config.NormGroups, device, silent: true);
        RegisterComponents();
    }

    /// <summary>Hyper-parameters.</summary>
    public UnetConfig Config { get; }

    /// <summary>Type of the weights, in which all is computed.</summary>
    public ScalarType Type => _out.Type;

    /// <summary>True: training keeps each block's input alone and computes the rest again on the way back.</summary>
    public bool Recompute { get; set; }

    /// <summary>
    /// Takes from control features what the transformers need of them. It does not depend on the UNet's own state: both
    /// sides of a guidance share it.
    /// </summary>
    /// <param name="lr">Control features of the LR photo's latent.</param>
    /// <param name="reference">The reference's; null: its branch stays silent.</param>
    /// <exception cref="InvalidOperationException">The network has no All-in-Attention.</exception>
    public ControlMemory Remember(ControlFeatures lr, ControlFeatures? reference)
    {
        if (!Config.AllInAttention)
            throw new InvalidOperationException("this UNet has no All-in-Attention: it takes no control");
        // Features are taken from the end; those beside blocks without a transformer go unused.
        AttentionMemory middle = _middle.Transformer!.Remember(lr.Maps[^1], reference?.Maps[^1]);
        int last = lr.Maps.Count - 2;
        return new ControlMemory(
            middle,
            [.. _up.Select((block, i) => block.Transformer?.Remember(lr.Maps[last - i], reference?.Maps[last - i]))]
        );
    }

    /// <summary>True for a parameter of the branches that All-in-Attention adds (section 4.1 of the paper).</summary>
    /// <param name="key">As in a checkpoint, with any prefix.</param>
    public static bool IsAllInAttention(string key) => key.Contains("_lna", StringComparison.Ordinal);

    /// <summary>Predicts noise, velocity or the clean latent, whatever it was trained for.</summary>
    /// <param name="noisy">z_t [B,C,h,w], sides multiples of the configuration's reduction.</param>
    /// <param name="timesteps">[B], 0 to 999.</param>
    /// <param name="context">[B,T,context]: prompt tokens, then the cognitive embedding; either may be missing.</param>
    /// <param name="memory">Control of one photo or of each of the batch; null: generation without it.</param>
    /// <returns>[B,out_channels,h,w] in the type of <paramref name="noisy"/>.</returns>
    public Tensor Predict(Tensor noisy, Tensor timesteps, Tensor context, ControlMemory? memory = null)
    {
        using var scope = NewDisposeScope();
        Tensor time = _time.Run(timesteps, Type);
        Tensor tokens = context.to(Type);
        var skips = new Stack<Tensor>();
        Tensor x = noisy.to(Type);
        foreach (UnetBlock block in _down)
        {
            x = block.Run(x, time, tokens, recompute: Recompute);
            skips.Push(x);
        }
        x = _middle.Run(x, time, tokens, memory?.Middle, Recompute);
        for (int i = 0; i < _up.Count; i++)
        {
            using Tensor skip = skips.Pop();
            using Tensor joined = cat([x, skip], dim: 1);
            x.Dispose();
            x = _up[i].Run(joined, time, tokens, memory?.Up[i], Recompute);
        }
        return _out.call(x).to(noisy.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The branches of All-in-Attention take over the weights of the self-attention beside them, which is how stage 2
    /// starts (section 4.1 of the paper).
    /// </summary>
    public void CopySelfAttention()
    {
        foreach (UnetBlock block in _up.Prepend(_middle))
            block.Transformer?.CopySelfAttention();
    }

    private static IEnumerable<UnetBlock> WayUp(UnetConfig config, IEnumerable<int> widths, Device? device)
    {
        var skips = new Stack<int>(widths);
        int width = skips.Peek();
        for (int level = config.ChannelMultipliers.Count - 1; level >= 0; level--)
        {
            for (int i = 0; i <= config.ResBlocks; i++)
            {
                int skip = skips.Pop();
                var layers = new List<nn.Module>
                {
                    new TimeResBlock(width + skip, config.Width(level), config, device),
                };
                width = config.Width(level);
                // The control has the skip's width.
                if (config.Attends(level))
                    layers.Add(new SpatialTransformer(width, config, device, config.AllInAttention ? skip : null));
                if (level > 0 && i == config.ResBlocks)
                    layers.Add(
                        config.ResBlockResampling
                            ? new TimeResBlock(width, width, config, device, Resampling.Double)
                            : new Doubling(width, width, device)
                    );
                yield return new UnetBlock(layers);
            }
        }
    }
}
