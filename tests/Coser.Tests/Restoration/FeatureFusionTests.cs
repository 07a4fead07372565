using Coser.Networks.Autoencoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

[Collection(ProcessWide.Name)] // the initialisation draws from the global generator
public sealed class FeatureFusionTests
{
    private static readonly AutoencoderConfig Config = new()
    {
        Channels = 16,
        ChannelMultipliers = [1, 2, 2, 2],
        ResBlocks = 1,
        NormGroups = 4,
        MidAttention = false,
        FuseGrowth = 16,
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
    public void How_maps_lie_in_memory_does_not_show_in_the_picture()
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var network = new KlAutoencoder(Config with { FuseBlocks = 0, FuseLevels = [0, 1, 2] });
        network.to(bfloat16);
        Tensor z = Draw.Normal(1, 1, 4, 4, 4).to(bfloat16);
        Tensor photo = Draw.Uniform(2, 1, 3, 32, 32).to(bfloat16);
        Tensor learning = Picture();
        using var noGrad = no_grad(); // on a CPU from here on with the channels innermost
        Tensor restoring = Picture();
        double difference = (learning - restoring).square().mean().sqrt().item<float>();
        Assert.InRange(difference / learning.std().item<float>(), 0, 0.05);

        Tensor Picture()
        {
            using EncoderFeatures features = network.EncodeFeatures(photo);
            return network.Decode(z, features, 1).to(float32).detach();
        }
    }

    [Fact]
    public void A_decoder_without_fused_levels_needs_no_features()
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new KlAutoencoder(Config with { FuseBlocks = 0, FuseLevels = [] });
        Tensor z = Draw.Normal(1, 1, 4, 4, 4);
        using EncoderFeatures features = network.EncodeFeatures(Draw.Uniform(2, 1, 3, 32, 32));
        Assert.Empty(features.Maps);
        Assert.True(network.Decode(z, features, 1).equal(network.Decode(z)).all().item<bool>());
    }

    [Fact]
    public void Only_a_fusion_at_full_resolution_sees_what_lives_between_two_pixels()
    {
        double[] answers =
        [
            .. new int[][] { [1, 2], [0, 1, 2] }.Select(levels =>
            {
                manual_seed(1);
                using var scope = NewDisposeScope();
                using var noGrad = no_grad();
                using var network = new KlAutoencoder(Config with { FuseBlocks = 0, FuseLevels = levels });
                Tensor z = Draw.Normal(1, 1, 4, 4, 4);
                Tensor photo = Draw.Uniform(2, 1, 3, 32, 32);
                EncoderFeatures features = network.EncodeFeatures(photo);
                Assert.Equal(levels, features.Maps.Keys.Order());
                Assert.Equal(levels, Fused(network).Order());
                Tensor plain = network.Decode(z);
                // A level's map alone: how much it moves neighbouring pixels apart.
                int outermost = levels[0];
                var alone = new EncoderFeatures(new Dictionary<int, Tensor> { [outermost] = features.Maps[outermost] });
                Tensor change = network.Decode(z, alone, 1) - plain;
                return change.diff(dim: 3).abs().mean().item<float>() / change.abs().mean().item<float>();
            }),
        ];
        Assert.True(answers[1] > answers[0], string.Join(", ", answers));

        static IEnumerable<int> Fused(KlAutoencoder network) =>
            network
                .named_parameters()
                .Select(p => p.name.Split("fusion_layer_"))
                .Where(p => p.Length > 1)
                .Select(p => p[1][0] - '0')
                .Distinct();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(-1)]
    public void A_level_that_the_decoder_lacks_is_refused(int level) =>
        Assert.Contains(
            "fuse_levels",
            Assert
                .Throws<ArgumentException>(() => new KlAutoencoder(Config with { FuseLevels = [1, level] }).Dispose())
                .Message
        );

    [Fact]
    public void Fewer_than_no_blocks_are_refused() =>
        Assert.Throws<ArgumentException>(() => new KlAutoencoder(Config with { FuseBlocks = -1 }).Dispose());
}
