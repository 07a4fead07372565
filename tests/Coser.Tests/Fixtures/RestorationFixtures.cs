using System.Text.Json;
using Coser.Diffusion;
using Coser.Networks.Autoencoder;
using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using Coser.Networks.Unet;
using Coser.Restoration;
using TorchSharp;

namespace Coser.Tests.Fixtures;

internal static class RestorationFixtures
{
    [FixtureKind("colour_fix")]
    public static void Colour_correction(FixtureCase fixture)
    {
        foreach (string name in fixture.OutputNames)
        {
            ColourFixKind kind = name.StartsWith("adain", StringComparison.Ordinal)
                ? ColourFixKind.AdaIn
                : ColourFixKind.Wavelet;
            string number = name.TrimStart([.. "adeilntvw"]);
            torch.Tensor content = fixture.Input("content" + number);
            fixture.AssertOutput(name, ColourFix.Apply(kind, content, fixture.Input("style" + number)));
        }
    }

    [FixtureKind("image_splitter")]
    public static void Splitting(FixtureCase fixture)
    {
        JsonElement c = fixture.Config;
        (int size, int stride) = (c.GetProperty("patch").GetInt32(), c.GetProperty("stride").GetInt32());
        torch.Tensor image = fixture.Input("image");
        // The reference goes down the rows first.
        LatentTile[] tiles =
        [
            .. new LatentTiling(size, size - stride)
                .Tiles(image.shape[2], image.shape[3])
                .OrderBy(t => t.Left)
                .ThenBy(t => t.Top),
        ];
        // Where the image is smaller than a patch, the reference lists the patch's own end.
        Assert.Equal(
            fixture.Expected("windows_h0h1w0w1").data<long>(),
            tiles.SelectMany(t => new long[] { t.Top, t.Top + size, t.Left, t.Left + size })
        );
        var average = new WeightedCanvas(image.shape, image.device);
        var count = new WeightedCanvas(image.shape, image.device);
        torch.Tensor uniform = torch.ones([tiles[0].Height, tiles[0].Width], dtype: torch.float64);
        foreach ((int k, LatentTile tile) in tiles.Index())
        {
            torch.Tensor part = tile.Of(image) * (1 + 0.01 * k) + 0.001 * k;
            average.Add(tile, part, uniform);
        }
        fixture.AssertOutput("merged", average.Average(torch.float32));
    }

    [FixtureKind("e2e")]
    public static void Every_stage(FixtureCase fixture)
    {
        using var networks = new Networks(fixture);
        JsonElement c = fixture.Config;
        torch.Tensor photo = fixture.Input("image");
        torch.Tensor preSr = networks.Cognition.PreSr(photo);
        fixture.AssertOutput("pre_sr", preSr);
        fixture.AssertOutput(
            "clip_input_crop",
            ClipPreprocessing
                .Stretch(preSr, networks.Clip.Config)
                .narrow(2, 0, fixture.Expected("clip_input_crop").shape[2])
                .narrow(3, 0, fixture.Expected("clip_input_crop").shape[3])
        );
        torch.Tensor cognition = networks.Cognition.Understand(preSr);
        fixture.AssertOutput("cog_embed", cognition);
        torch.Tensor user = networks.Cognition.Read(fixture.Input("user_tokens"));
        torch.Tensor negative = networks.Cognition.Read(fixture.Input("negative_tokens"));
        fixture.AssertOutput("semantic_user", user);
        fixture.AssertOutput("semantic_neg", negative);
        var conditions = new GuidanceContext(torch.cat([user, cognition], dim: 1), negative);

        torch.Tensor enlarged = Enlargement.Bicubic(photo, c.GetProperty("upscale").GetInt32());
        fixture.AssertOutput("lq_up", enlarged * 2 - 1);
        torch.Tensor lr = networks.Codec.Encode(enlarged);
        fixture.AssertOutput("init_latent", lr);
        fixture.AssertOutput("zero_latent", networks.Codec.Encode(torch.full_like(enlarged, 0.5)));

        var sampling = new LatentSampling(
            new DiffusionConfig
            {
                LinearStart = c.GetProperty("linear_start").GetDouble(),
                LinearEnd = c.GetProperty("linear_end").GetDouble(),
            }
        );
        var noise = new StoredNoise(fixture);
        torch.Tensor start = sampling.AddNoise(lr, noise.Draw("start", lr, 999), 999);
        fixture.AssertOutput("x_T", start);
        int steps = c.GetProperty("steps").GetInt32();
        torch.Tensor reference = new ReferenceGenerator(networks.Unet, sampling, torch.CPU).Generate(
            start,
            conditions,
            new SamplingSettings(steps, SamplerKind.Ddpm, c.GetProperty("cfg_ref").GetDouble(), 999),
            noise,
            StageContext.Silent
        );
        fixture.AssertOutput("ref_latent", reference);
        fixture.AssertOutput("reference_image", networks.Codec.Decode(reference) * 2 - 1);
        torch.Tensor result = new LatentRestorer(
            networks.Unet,
            networks.Control,
            sampling,
            new LatentTiling((int)lr.shape[2], 0),
            torch.CPU
        ).Restore(
            start,
            lr,
            _ => reference,
            conditions,
            new SamplingSettings(steps, SamplerKind.Ddpm, c.GetProperty("cfg").GetDouble(), 999),
            noise,
            StageContext.Silent
        );
        fixture.AssertOutput("sr_latent", result);
        fixture.AssertOutput("decoded_plain", networks.Codec.Decode(result) * 2 - 1);
        torch.Tensor decoded = networks.Codec.Decode(result, enlarged, c.GetProperty("dec_w").GetDouble());
        fixture.AssertOutput("decoded_cfw", decoded * 2 - 1);
        fixture.AssertOutput("decoded_adain", ColourFix.AdaIn(decoded * 2 - 1, enlarged * 2 - 1));
        fixture.AssertOutput("decoded_wavelet", ColourFix.Wavelet(decoded, enlarged) * 2 - 1);
    }

    // The reference draws one for the start, then one a step, at the last step as well, where it is not used.
    private sealed class StoredNoise(FixtureCase fixture) : INoise
    {
        private readonly int _steps = fixture.Config.GetProperty("steps").GetInt32();

        public torch.Tensor Draw(string purpose, torch.Tensor shaped, int index) =>
            fixture.Input($"noise{Order(purpose, index):00}");

        private int Order(string purpose, int index) =>
            purpose switch
            {
                "start" => 0,
                ReferenceGenerator.Stage => _steps - index,
                _ => 2 * _steps - index,
            };
    }

    private sealed class Networks : IDisposable
    {
        private readonly List<torch.nn.Module> _all = [];

        public Networks(FixtureCase fixture)
        {
            JsonElement c = fixture.Config;
            Unet = Filled(new UnetModel(Reference.UnetConfig(c.GetProperty("unet"))), Reference.UnetPrefix);
            Control = Filled(
                new ControlEncoder(Reference.ControlConfig(c.GetProperty("control"))),
                Reference.ControlPrefix
            );
            AutoencoderConfig vae = VaeConfig(c);
            KlAutoencoder plain = Filled(new KlAutoencoder(vae), "first_stage_model.");
            KlAutoencoder wrapping = Filled(new KlAutoencoder(vae with { FuseBlocks = FuseBlocks(fixture) }), "vq.");
            Codec = new LatentCodec(plain, wrapping, torch.CPU);
            JsonElement presr = c.GetProperty("srresnet");
            MsrResNet preSr = Filled(
                new MsrResNet(
                    new MsrResNetConfig
                    {
                        Features = presr.GetProperty("num_feat").GetInt32(),
                        Blocks = presr.GetProperty("num_block").GetInt32(),
                        Upscale = presr.GetProperty("upscale").GetInt32(),
                    }
                ),
                "pre_sr_model."
            );
            Clip = Filled(
                new ClipModel(CognitionFixtures.ClipConfig(c.GetProperty("clip"))),
                "cond_stage_model.model."
            );
            CognitiveAdapter adapter = Filled(
                new CognitiveAdapter(CognitionFixtures.AdapterConfig(c.GetProperty("qformer"))),
                "global_adapter."
            );
            Cognition = new Cognition(preSr, Clip, adapter, torch.CPU);

            T Filled<T>(T module, string prefix)
                where T : torch.nn.Module
            {
                _all.Add(module);
                module.eval();
                fixture.FillWeights(module, fixture.Prefix + prefix);
                return module;
            }
        }

        public UnetModel Unet { get; }

        public ControlEncoder Control { get; }

        public LatentCodec Codec { get; }

        public ClipModel Clip { get; }

        public Cognition Cognition { get; }

        public void Dispose() => _all.ForEach(m => m.Dispose());

        // The case's configuration does not say: its keys do.
        private static int FuseBlocks(FixtureCase fixture)
        {
            using JsonDocument keys = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(fixture.Folder, "keys.json")));
            return keys
                .RootElement.EnumerateArray()
                .Select(k => k.GetProperty("key").GetString()!)
                .Where(k => k.StartsWith("vq.decoder.fusion_layer_1.encode_enc_2.", StringComparison.Ordinal))
                .Select(k => k.Split('.')[4])
                .Distinct()
                .Count();
        }

        private static AutoencoderConfig VaeConfig(JsonElement c)
        {
            JsonElement dd = c.GetProperty("vae").GetProperty("ddconfig");
            return new AutoencoderConfig
            {
                EmbedDim = c.GetProperty("vae").GetProperty("embed_dim").GetInt32(),
                ZChannels = dd.GetProperty("z_channels").GetInt32(),
                Channels = dd.GetProperty("ch").GetInt32(),
                ChannelMultipliers = dd.GetProperty("ch_mult").Deserialize<int[]>()!,
                ResBlocks = dd.GetProperty("num_res_blocks").GetInt32(),
                ScaleFactor = c.GetProperty("scale_factor").GetDouble(),
            };
        }
    }
}
