using Coser.Networks.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Engine;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class DoublingTests
{
    [Theory]
    [InlineData(ScalarType.Float32, false, 1e-6)]
    [InlineData(ScalarType.Float32, true, 1e-6)]
    [InlineData(ScalarType.BFloat16, true, 0.01)]
    public void Kernels_added_up_beforehand_give_what_doubled_pixels_give(
        ScalarType type,
        bool channelsInnermost,
        double tolerance
    )
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var doubling = new Doubling(8, 24, null);
        doubling.to(type);
        Tensor input = Draw.Normal(1, 2, 8, 5, 7).to(type);
        Tensor wanted = doubling.call(input).detach(); // with gradients: pixels are really doubled
        using var noGrad = no_grad();
        Tensor shown = channelsInnermost ? Layout.ChannelsLast(input) : input;
        Tensor quick = doubling.call(shown);
        Assert.Equal([2, 24, 10, 14], quick.shape);
        Assert.Equal(channelsInnermost, BlockedConvolution.IsChannelsLast(quick));
        double off = (quick.to(float32) - wanted.to(float32)).square().mean().sqrt().item<float>();
        Assert.InRange(off / wanted.to(float32).square().mean().sqrt().item<float>(), 0, tolerance);
    }
}
