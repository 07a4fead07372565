using System.Globalization;
using Coser.Networks.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>One convolution of a <see cref="ConvStack"/>.</summary>
/// <param name="Index">Its number in torchvision's <c>features</c>.</param>
internal readonly record struct StackedConv(
    int Index,
    int Inputs,
    int Outputs,
    int Kernel = 3,
    int Stride = 1,
    int Padding = 1
);

/// <summary>Convolutions under torchvision's numbers, a ReLU after each.</summary>
internal sealed class ConvStack : nn.Module<Tensor, Tensor>
{
    // Not fields of a module's type, which would be registered under their own names.
    private readonly Conv[] _convolutions;

    public ConvStack(IEnumerable<StackedConv> convolutions, Device? device)
        : base(nameof(ConvStack))
    {
        var all = new List<Conv>();
        foreach (StackedConv c in convolutions)
        {
            all.Add(new Conv(c.Inputs, c.Outputs, c.Kernel, device, c.Stride, c.Padding));
            register_module(c.Index.ToString(CultureInfo.InvariantCulture), all[^1]);
        }
        _convolutions = [.. all];
    }

    /// <param name="input">[B,C,H,W].</param>
    /// <returns>[B,C',H',W'], not negative.</returns>
    public override Tensor forward(Tensor input)
    {
        Tensor x = input.alias();
        foreach (Conv convolution in _convolutions)
        {
            using Tensor before = x;
            using Tensor y = convolution.call(before);
            x = nn.functional.relu(y);
        }
        return x;
    }
}

/// <summary>The five stages of the classifiers whose maps LPIPS and DISTS compare.</summary>
internal static class Backbones
{
    /// <summary>AlexNet (Krizhevsky, 2014) up to each ReLU.</summary>
    public static IReadOnlyList<StackedConv[]> Alex { get; } =
    [
        [new(0, 3, 64, 11, 4, 2)],
        [new(3, 64, 192, 5, 1, 2)],
        [new(6, 192, 384)],
        [new(8, 384, 256)],
        [new(10, 256, 256)],
    ];

    /// <summary>VGG-16 (Simonyan and Zisserman, ICLR 2015) up to the last ReLU before each pooling.</summary>
    public static IReadOnlyList<StackedConv[]> Vgg16 { get; } =
    [
        [new(0, 3, 64), new(2, 64, 64)],
        [new(5, 64, 128), new(7, 128, 128)],
        [new(10, 128, 256), new(12, 256, 256), new(14, 256, 256)],
        [new(17, 256, 512), new(19, 512, 512), new(21, 512, 512)],
        [new(24, 512, 512), new(26, 512, 512), new(28, 512, 512)],
    ];

    /// <summary>torchvision's key of a convolution: "features.10.weight" of "10.weight".</summary>
    public static string TorchvisionKey(string numbered) => "features." + numbered;
}
