using Coser.Networks.Autoencoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class FeatureFusionTests
{
    private static readonly AutoencoderConfig Config = new()
    {
        Channels = 8,
        ChannelMultipliers = [1, 2, 2, 2],
        ResBlocks = 1,
        NormGroups = 4,
        MidAttention = false,
        FuseGrowth = 4,
    };

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_fusion_with_or_without_dense_blocks_takes_features_by_weight(int blocks)
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new KlAutoencoder(Config with { FuseBlocks = blocks });
        Assert.True(network.Fuses);
        Assert.Equal(blocks > 0, network.named_parameters().Any(p => p.name.Contains(".encode_enc_2.")));
        Tensor z = Draw.Normal(1, 1, 4, 4, 4);
        using EncoderFeatures features = network.EncodeFeatures(Draw.Uniform(2, 1, 3, 32, 32));
        Tensor plain = network.Decode(z);
        double[] changes = [.. new[] { 0, 0.5, 1 }.Select(w => Change(network.Decode(z, features, w)))];
        Assert.Equal(0, changes[0]);
        Assert.True(changes[0] < changes[1] && changes[1] < changes[2], string.Join(", ", changes));

        double Change(Tensor decoded) => (decoded - plain).abs().mean().item<float>();
    }

    [Fact]
    public void Fewer_than_no_blocks_are_refused() =>
        Assert.Throws<ArgumentException>(() => new KlAutoencoder(Config with { FuseBlocks = -1 }).Dispose());
}
