using Coser.Networks.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>
/// The Inception-v3 of FID (Szegedy et al., CVPR 2016; weights of 2015-12-05), with the keys of the published PyTorch file
/// pt_inception-2015-12-05: average poolings do not count padding, and the last block pools by maximum, as TensorFlow's graph
/// does.
/// </summary>
public sealed class FidInception : nn.Module
{
    /// <summary>Length of the features.</summary>
    public const int Features = 2048;

    /// <summary>Side of the square that the network takes.</summary>
    public const int Side = 299;

    private const int Classes = 1008;
    private readonly InceptionConv[] _stem;
    private readonly InceptionBlock[] _blocks;

    /// <param name="device">META: without values, to be filled from a file.</param>
    public FidInception(Device? device = null)
        : base(nameof(FidInception))
    {
        (string, InceptionConv)[] stem =
        [
            ("Conv2d_1a_3x3", new(3, new("", 32, 3, 3, Stride: 2), device)),
            ("Conv2d_2a_3x3", new(32, new("", 32, 3, 3), device)),
            ("Conv2d_2b_3x3", new(32, new("", 64, 3, 3, Padded: true), device)),
            ("Conv2d_3b_1x1", new(64, new("", 80, 1, 1), device)),
            ("Conv2d_4a_3x3", new(80, new("", 192, 3, 3), device)),
        ];
        (string, InceptionBlock)[] blocks =
        [
            ("Mixed_5b", InceptionBlocks.A(192, 32, device)),
            ("Mixed_5c", InceptionBlocks.A(256, 64, device)),
            ("Mixed_5d", InceptionBlocks.A(288, 64, device)),
            ("Mixed_6a", InceptionBlocks.B(288, device)),
            ("Mixed_6b", InceptionBlocks.C(128, device)),
            ("Mixed_6c", InceptionBlocks.C(160, device)),
            ("Mixed_6d", InceptionBlocks.C(160, device)),
            ("Mixed_6e", InceptionBlocks.C(192, device)),
            ("Mixed_7a", InceptionBlocks.D(device)),
            ("Mixed_7b", InceptionBlocks.E(1280, InceptionPool.Average, device)),
            ("Mixed_7c", InceptionBlocks.E(2048, InceptionPool.Maximum, device)),
        ];
        foreach ((string name, nn.Module module) in stem.Select(s => (s.Item1, (nn.Module)s.Item2)))
            register_module(name, module);
        foreach ((string name, nn.Module module) in blocks.Select(s => (s.Item1, (nn.Module)s.Item2)))
            register_module(name, module);
        register_module("fc", new Dense(Features, Classes, device));
        _stem = [.. stem.Select(s => s.Item2)];
        _blocks = [.. blocks.Select(b => b.Item2)];
    }

    /// <summary>The features of images in the network's own size.</summary>
    /// <param name="image">[B,3,299,299], [-1,1] (<see cref="FidPreprocessing"/>).</param>
    /// <returns>[B,2048], float32: "pool3".</returns>
    public Tensor Embed(Tensor image)
    {
        using var scope = NewDisposeScope();
        return Stages(image)[^1].MoveToOuterDisposeScope();
    }

    /// <summary>Maps of 64, 192 and 768 channels, then the features.</summary>
    internal Tensor[] Stages(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor x = image.to(_stem[0].Type);
        foreach (InceptionConv convolution in _stem[..3])
            x = convolution.call(x);
        Tensor first = Pooling.Max(x, 3, 2);
        Tensor second = Pooling.Max(_stem[4].call(_stem[3].call(first)), 3, 2);
        Tensor third = _blocks[..8].Aggregate(second, (y, block) => block.call(y));
        Tensor last = _blocks[8..].Aggregate(third, (y, block) => block.call(y));
        Tensor features = last.to(float32).mean([2, 3]);
        return [.. new[] { first, second, third, features }.Select(t => t.MoveToOuterDisposeScope())];
    }
}

/// <summary>How photos are brought to Inception's size: figures of different ways are not comparable.</summary>
public static class FidPreprocessing
{
    /// <summary>
    /// "Clean FID" (Parmar, Zhang and Zhu, CVPR 2022), the way to report: every channel as float by Pillow's antialiased
    /// bicubic, clipped to 0-255, then (x - 128) / 128.
    /// </summary>
    /// <param name="image">[B,3,H,W], [0,1] or uint8; values are rounded to 8 bits first.</param>
    /// <returns>[B,3,299,299], float32.</returns>
    public static Tensor Clean(Tensor image)
    {
        using var scope = NewDisposeScope();
        return ((CleanResize(image) - 128) / 128).MoveToOuterDisposeScope();
    }

    /// <summary>Plain bilinear, half-pixel centres, no antialiasing, to [-1,1]: pytorch-fid's way.</summary>
    /// <inheritdoc cref="Clean"/>
    public static Tensor Bilinear(Tensor image)
    {
        using var scope = NewDisposeScope();
        return (BilinearResize(ImageInput.Unit(image)) * 2 - 1).MoveToOuterDisposeScope();
    }

    internal static Tensor CleanResize(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor levels = (ImageInput.Unit(image) * 255).round();
        return nn
            .functional.interpolate(
                levels,
                size: [FidInception.Side, FidInception.Side],
                mode: InterpolationMode.Bicubic,
                align_corners: false,
                antialias: true
            )
            .clamp(0, 255)
            .MoveToOuterDisposeScope();
    }

    internal static Tensor BilinearResize(Tensor image) =>
        nn.functional.interpolate(
            image,
            size: [FidInception.Side, FidInception.Side],
            mode: InterpolationMode.Bilinear,
            align_corners: false
        );
}
