using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Unet;

/// <summary>Control features of one latent: one map a block of the way down, then the middle's.</summary>
/// <param name="Maps">[B,C,h,w] each, the latent's resolution first.</param>
public sealed record ControlFeatures(IReadOnlyList<Tensor> Maps) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor map in Maps)
            map.Dispose();
    }
}

/// <summary>
/// A copy of the UNet's way down and middle that looks at a clean latent beside the noisy one; one network for the LR
/// photo's latent and for the reference's (section 3.3 of the paper; ControlNet: Zhang et al., ICCV 2023).
/// </summary>
public sealed class ControlEncoder : nn.Module
{
    [ComponentName(Name = "time_embed")]
    private readonly TimeEmbedding _time;

    [ComponentName(Name = "input_blocks")]
    private readonly ModuleList<UnetBlock> _down;

    [ComponentName(Name = "zero_convs")]
    private readonly ModuleList<Slot<Conv>> _out;

    [ComponentName(Name = "hint_zero_conv")]
    private readonly Conv _enter;

    [ComponentName(Name = "middle_block")]
    private readonly UnetBlock _middle;

    [ComponentName(Name = "middle_block_out")]
    private readonly Slot<Conv> _middleOut;

    /// <summary>Builds the encoder.</summary>
    /// <param name="device">META: without values, to be filled from a file.</param>
    /// <exception cref="ArgumentException">The configuration cannot be built.</exception>
    public ControlEncoder(ControlConfig config, Device? device = null)
        : base(nameof(ControlEncoder))
    {
        Config = config;
        var blocks = new EncoderBlocks(config, device, middleTakesControl: false);
        _time = new TimeEmbedding(config, device);
        _down = new ModuleList<UnetBlock>([.. blocks.Down]);
        _out = new ModuleList<Slot<Conv>>([.. blocks.Widths.Select(Gate)]);
        _enter = new Conv(config.InChannels, config.ModelChannels, 3, device).Silent();
        _middle = blocks.Middle;
        _middleOut = Gate(blocks.Widths[^1]);
        RegisterComponents();

        Slot<Conv> Gate(int width) => new(0, new Conv(width, width, 1, device).Silent());
    }

    /// <summary>Hyper-parameters.</summary>
    public ControlConfig Config { get; }

    /// <inheritdoc cref="UnetModel.Recompute"/>
    public bool Recompute { get; set; }

    /// <summary>Encodes one clean latent beside the noisy one.</summary>
    /// <param name="noisy">z_t [B,C,h,w], sides multiples of the configuration's reduction.</param>
    /// <param name="clean">Latent of the LR photo or of the reference, same shape.</param>
    /// <param name="timesteps">[B], 0 to 999.</param>
    /// <param name="context">[B,T,context]: prompt tokens, then the cognitive embedding.</param>
    public ControlFeatures Encode(Tensor noisy, Tensor clean, Tensor timesteps, Tensor context)
    {
        using var scope = NewDisposeScope();
        ScalarType type = _enter.Type;
        Tensor time = _time.Run(timesteps, type);
        Tensor tokens = context.to(type);
        var maps = new List<Tensor>();
        Tensor x = noisy.to(type);
        for (int i = 0; i < _down.Count; i++)
        {
            x = _down[i].Run(x, time, tokens, recompute: Recompute);
            if (i == 0)
                x = x + _enter.call(clean.to(type));
            maps.Add(_out[i].Value.call(x));
        }
        maps.Add(_middleOut.Value.call(_middle.Run(x, time, tokens, recompute: Recompute)));
        return new ControlFeatures([.. maps.Select(m => m.MoveToOuterDisposeScope())]);
    }
}
