using System.Globalization;
using System.Text.Json;
using Coser.Networks.Autoencoder;
using TorchSharp;

namespace Coser.Tests.Fixtures;

internal static class AutoencoderFixtures
{
    [FixtureKind("vae")]
    public static void Encoding_and_decoding(FixtureCase fixture)
    {
        using var autoencoder = new KlAutoencoder(Config(fixture));
        fixture.FillWeights(autoencoder, fixture.Prefix);
        using LatentDistribution latents = autoencoder.Encode(fixture.Input("x"));
        fixture.AssertOutput("moments", autoencoder.EncodeMoments(fixture.Input("x")));
        fixture.AssertOutput("mean", latents.Mean);
        fixture.AssertOutput("logvar", latents.LogVar);
        fixture.AssertOutput("std", latents.Std());
        fixture.AssertOutput("mode", latents.Mode());
        fixture.AssertOutput("latent_scaled_mode", autoencoder.ToLatent(latents.Mode()));
        fixture.AssertOutput("decode_z", autoencoder.Decode(fixture.Input("z")));
        fixture.AssertOutput("decode_of_mode", autoencoder.Decode(latents.Mode()));
    }

    [FixtureKind("cfw")]
    public static void Feature_wrapping(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        AutoencoderConfig config = Config(fixture) with
        {
            FuseBlocks = c.GetProperty("num_fuse_block").GetInt32(),
            FuseGrowth = c.GetProperty("rrdb_growth").GetInt32(),
        };
        using var autoencoder = new KlAutoencoder(config);
        fixture.FillWeights(autoencoder, fixture.Prefix);
        using EncoderFeatures features = autoencoder.EncodeFeatures(fixture.Input("x"));
        fixture.AssertOutput("moments", autoencoder.EncodeMoments(fixture.Input("x")));
        foreach ((int i, int level) in features.Maps.Keys.Order().Index())
            fixture.AssertOutput($"enc_fea{i}", features.Maps[level]);
        foreach (double weight in c.GetProperty("fusion_w").Deserialize<double[]>()!)
            fixture.AssertOutput(
                "decode_w" + weight.ToString("0.0", CultureInfo.InvariantCulture),
                autoencoder.Decode(fixture.Input("z"), features, weight)
            );
    }

    private static AutoencoderConfig Config(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        Assert.True(c.GetProperty("double_z").GetBoolean());
        Assert.Empty(c.GetProperty("attn_resolutions").EnumerateArray());
        return new AutoencoderConfig
        {
            EmbedDim = c.GetProperty("embed_dim").GetInt32(),
            ZChannels = c.GetProperty("z_channels").GetInt32(),
            InChannels = c.GetProperty("in_channels").GetInt32(),
            OutChannels = c.GetProperty("out_ch").GetInt32(),
            Channels = c.GetProperty("ch").GetInt32(),
            ChannelMultipliers = c.GetProperty("ch_mult").Deserialize<int[]>()!,
            ResBlocks = c.GetProperty("num_res_blocks").GetInt32(),
            ScaleFactor = c.TryGetProperty("scale_factor", out JsonElement scale) ? scale.GetDouble() : 1,
        };
    }
}
