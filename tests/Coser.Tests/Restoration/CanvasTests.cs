using Coser.Diffusion;
using Coser.Imaging;
using Coser.Networks.Autoencoder;
using Coser.Networks.PreSr;
using Coser.Restoration;
using Coser.Tests.Fixtures;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

/// <summary>How photos are cut, laid together and padded.</summary>
public sealed class CanvasTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(100, 16, 8)]
    [InlineData(16, 16, 8)]
    [InlineData(5, 16, 8)]
    [InlineData(17, 16, 15)]
    [InlineData(24, 16, 8)]
    public void Tiles_cover_a_side_without_leaving_it(int length, int size, int overlap)
    {
        IReadOnlyList<LatentTile> tiles = new LatentTiling(size, overlap).Tiles(length, 3);
        Assert.Equal(0, tiles[0].Top);
        Assert.Equal(length, tiles[^1].Top + tiles[^1].Height);
        Assert.All(tiles, t => Assert.Equal(Math.Min(size, length), t.Height));
        Assert.All(
            tiles.Zip(tiles.Skip(1)),
            p => Assert.InRange(p.Second.Top, p.First.Top + 1, p.First.Top + size - overlap)
        );
    }

    [Fact]
    public void Blended_tiles_of_a_place_by_place_function_are_the_function()
    {
        Tensor canvas = Draw.Normal(1, 1, 2, 37, 50);
        Tensor blended = new LatentTiling(16, 8).Blend(canvas, (z, _) => z * 2 + 1);
        Assert.True(blended.allclose(canvas * 2 + 1, rtol: 1e-5, atol: 1e-5));
    }

    [Theory]
    [InlineData(64, 48)]
    [InlineData(5, 90)]
    public void Pieces_enlarged_are_pieces_of_the_whole_enlarged(int width, int height)
    {
        Tensor photo = Draw.Uniform(2, 1, 3, height, width);
        var canvas = new LrCanvas(
            a => photo.narrow(2, a.Top, a.Height).narrow(3, a.Left, a.Width),
            width,
            height,
            minimum: 16
        );
        Assert.Equal((Math.Max(16, width), Math.Max(16, height)), (canvas.Width, canvas.Height));
        Tensor whole = canvas.ReadEnlarged(new PixelArea(0, 0, canvas.Width, canvas.Height), new Enlargement(4));
        if (width >= 16 && height >= 16)
            Assert.True(whole.allclose(Enlargement.Bicubic(photo, 4), rtol: 1e-5, atol: 1e-6));
        foreach (PixelArea area in new PixelArea[] { new(0, 0, 10, 12), new(6, 4, 10, 12) })
        {
            Tensor piece = canvas.ReadEnlarged(area, new Enlargement(4));
            Tensor part = whole.narrow(2, 4 * area.Top, 48).narrow(3, 4 * area.Left, 40);
            Assert.True(piece.allclose(part, rtol: 1e-5, atol: 1e-6));
        }
    }

    [Fact]
    public void Pieces_enlarged_by_a_network_are_pieces_of_the_whole()
    {
        using var network = new MsrResNet(new MsrResNetConfig { Features = 8, Blocks = 2 });
        using var noGrad = no_grad();
        foreach ((string name, Tensor weight) in network.state_dict())
            weight.copy_(Draw.Normal(name.Length, weight.shape) / 8);
        var enlargement = new Enlargement(network, CPU);
        Tensor photo = Draw.Uniform(6, 1, 3, 40, 36);
        var canvas = new LrCanvas(a => photo.narrow(2, a.Top, a.Height).narrow(3, a.Left, a.Width), 36, 40, 16);
        Tensor whole = canvas.ReadEnlarged(new PixelArea(0, 0, 36, 40), enlargement);
        Assert.Equal([1, 3, 160, 144], whole.shape);
        Tensor piece = canvas.ReadEnlarged(new PixelArea(12, 8, 16, 20), enlargement);
        Assert.True(piece.allclose(whole.narrow(2, 32, 80).narrow(3, 48, 64), rtol: 1e-4, atol: 1e-5));
        // Away from the edge it is what the network makes of the photo.
        Tensor alone = network.call(photo).clamp(0, 1).narrow(2, 60, 40).narrow(3, 60, 20);
        Assert.True(alone.allclose(whole.narrow(2, 60, 40).narrow(3, 60, 20), rtol: 1e-4, atol: 1e-5));
    }

    [Fact]
    public void Beyond_the_edge_lies_the_mirror_image()
    {
        Tensor photo = Draw.Uniform(3, 1, 3, 5, 1);
        var canvas = new LrCanvas(a => photo.narrow(2, a.Top, a.Height).narrow(3, a.Left, a.Width), 1, 5, 16);
        Tensor whole = canvas.ReadEnlarged(new PixelArea(0, 0, 16, 16), new Enlargement(1));
        foreach ((int row, int source) in new[] { (4, 4), (5, 3), (8, 0), (9, 1), (12, 4) })
            Assert.True(whole[0, 0, row, 9].allclose(photo[0, 0, source, 0], rtol: 1e-5, atol: 1e-5));
    }

    [Fact]
    public void Super_tiles_fade_into_each_other_and_lose_nothing()
    {
        const int Scale = 2;
        IReadOnlyList<PixelArea> parts = new SuperTiles(20, 6).Of(47, 33);
        using var canvas = new PixelCanvas(47 * Scale, 33 * Scale);
        Tensor truth = Draw.Uniform(4, 1, 3, 33 * Scale, 47 * Scale);
        foreach ((int i, PixelArea p) in parts.Index())
        {
            Tensor part = truth.narrow(2, p.Top * Scale, p.Height * Scale).narrow(3, p.Left * Scale, p.Width * Scale);
            SuperTiles.Lay(canvas, parts, i, part, Scale);
        }
        Tensor laid = canvas.Read(new PixelArea(0, 0, canvas.Width, canvas.Height));
        Assert.InRange((laid - truth).abs().max().item<float>(), 0, 2f / 65535);

        // Parts of different brightness: no step between neighbours is larger than the fade's.
        foreach ((int i, PixelArea p) in parts.Index())
            SuperTiles.Lay(canvas, parts, i, full([1, 3, p.Height * Scale, p.Width * Scale], i % 2 * 0.6 + 0.2), Scale);
        Tensor faded = canvas.Read(new PixelArea(0, 0, canvas.Width, canvas.Height));
        double step = Math.Max(
            faded.diff(dim: 2).abs().max().item<float>(),
            faded.diff(dim: 3).abs().max().item<float>()
        );
        Assert.InRange(step, 0.01, 0.6 / (6 * Scale) * 1.6);
    }

    [Fact]
    public void A_canvas_on_disk_reads_back_what_was_written()
    {
        using var canvas = new PixelCanvas(40, 30, memoryBytes: 0);
        Tensor pixels = (Draw.Uniform(5, 1, 3, 9, 12) * 65535).round() / 65535;
        canvas.Write(7, 5, pixels);
        Assert.True(canvas.Read(new PixelArea(7, 5, 12, 9)).allclose(pixels, rtol: 0, atol: 1e-6));
        Assert.Equal(0, canvas.Read(new PixelArea(0, 0, 7, 5)).max().item<float>());
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.Read(new PixelArea(30, 0, 11, 1)));
    }

    [Fact]
    public void A_photo_shrinks_as_a_whole()
    {
        using Photo photo = Photo.FromPixels(linspace(0, 1, 80).reshape(1, 1, 1, 80).expand(1, 3, 40, 80));
        Tensor small = photo.ReadShrunk(20, 10);
        Assert.Equal(new long[] { 1, 3, 10, 20 }, small.shape);
        Tensor middle = small[0, 0, 5];
        Assert.InRange((middle[10] - 10.5f / 20).abs().item<float>(), 0, 0.02);
        Assert.Equal(new long[] { 1, 3, 40, 80 }, photo.ReadShrunk(80, 40).shape);
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.ReadShrunk(81, 40));
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.ReadShrunk(0, 40));
    }

    [Fact]
    public void A_codec_in_tiles_is_near_the_whole_one_and_leaves_no_seam()
    {
        var config = new AutoencoderConfig
        {
            Channels = 8,
            ChannelMultipliers = [1, 1, 2, 2],
            ResBlocks = 1,
            NormGroups = 2,
            MidAttention = false,
        };
        using var network = new KlAutoencoder(config);
        HashFill.Fill(
            network,
            System.Text.Json.JsonSerializer.SerializeToElement(
                new
                {
                    seed = 9,
                    gain = 0.8,
                    overrides = Array.Empty<string>(),
                }
            ),
            ""
        );
        using var noGrad = no_grad();
        Tensor photo = Draw.Uniform(1, 1, 3, 160, 224);
        var whole = new LatentCodec(network, null, CPU);
        var tiled = new LatentCodec(network, null, CPU, tile: 96);
        Tensor latent = whole.Encode(photo);
        Assert.Equal(latent.shape, tiled.Encode(photo).shape);
        Tensor decoded = tiled.Decode(latent);
        Assert.Equal(new long[] { 1, 3, 160, 224 }, decoded.shape);
        // Statistics are a tile's, so the numbers differ a little everywhere, and nowhere in a step.
        Tensor exact = whole.Decode(latent);
        Assert.InRange(((decoded - exact).abs().mean() / exact.std()).item<float>(), 0, 0.5);
        Assert.InRange(LargestStep(decoded) / LargestStep(exact), 0, 1.3);

        // Between neighbouring columns, against the mean.
        static double LargestStep(Tensor picture)
        {
            Tensor steps = picture.diff(dim: 3).abs().mean([0, 1, 2]);
            return (steps.max() / steps.mean()).item<float>();
        }
    }
}
