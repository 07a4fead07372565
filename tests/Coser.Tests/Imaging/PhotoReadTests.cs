using Coser.Imaging;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Imaging;

public sealed class PhotoReadTests : TestPhotos
{
    [Fact]
    public void Eight_bit_values_are_exactly_v_over_255()
    {
        byte[] values = [.. Enumerable.Range(0, 256 * 3).Select(i => (byte)(i * 7))];
        string path = Write(FromBytes(values, 256, 1, 3), "a.png");
        using Photo photo = Photo.Open(path);
        Assert.Equal(
            (256, 1, 8, false, false),
            (photo.Width, photo.Height, photo.BitDepth, photo.HasAlpha, photo.IsGreyscale)
        );
        Assert.Equal(PhotoFormat.Png, photo.Format);
        Assert.Null(photo.ProfileName);
        Assert.Empty(photo.Notes);
        float[] pixels = Pixels(photo);
        for (int x = 0; x < 256; x++)
        for (int c = 0; c < 3; c++)
            Assert.Equal(values[(x * 3) + c] / 255f, pixels[(c * 256) + x]);
    }

    [Fact]
    public void Sixteen_bit_values_are_exactly_v_over_65535()
    {
        ushort[] values = [0, 1, 65535, 257, 32768, 4660];
        string path = Write(FromValues(values, 2, 1, 3, 16), "a.tif");
        using Photo photo = Photo.Open(path);
        Assert.Equal(16, photo.BitDepth);
        float[] expected = [.. new[] { 0, 3, 1, 4, 2, 5 }.Select(i => values[i] / 65535f)];
        Assert.Equal(expected, Pixels(photo));
    }

    [Fact]
    public void A_tile_is_the_same_as_its_part_of_the_whole()
    {
        using Photo photo = Photo.Open(Write(Picture(60, 40), "a.png"));
        using var scope = torch.NewDisposeScope();
        torch.Tensor whole = photo.Read(new PixelArea(0, 0, 60, 40));
        torch.Tensor tile = photo.Read(new PixelArea(17, 5, 20, 30));
        Assert.Equal([1, 3, 30, 20], tile.shape);
        Assert.Equal(
            whole.narrow(2, 5, 30).narrow(3, 17, 20).contiguous().data<float>().ToArray(),
            tile.data<float>().ToArray()
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.Read(new PixelArea(41, 0, 20, 10)));
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.Read(new PixelArea(-1, 0, 20, 10)));
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.Read(new PixelArea(0, 0, 0, 10)));
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.Read(new PixelArea(int.MaxValue, 0, int.MaxValue, 1)));
    }

    [Fact]
    public void Reading_leaves_no_tensors()
    {
        using Photo photo = Photo.Open(Write(Picture(30, 20), "a.png"));
        using var scope = torch.NewDisposeScope();
        torch.Tensor tile = photo.Read(new PixelArea(0, 0, 30, 20));
        Assert.Equal(1, scope.DisposablesCount);
        using var canvas = new PixelCanvas(30, 20);
        canvas.Write(0, 0, tile);
        Assert.Equal(1, scope.DisposablesCount);
    }

    // Where the pixels (left top, right top, left bottom, right bottom) of the stored picture stand when upright.
    [Theory]
    [InlineData(1, "0123")]
    [InlineData(2, "1032")]
    [InlineData(3, "3210")]
    [InlineData(4, "2301")]
    [InlineData(5, "0213")]
    [InlineData(6, "2031")]
    [InlineData(7, "3120")]
    [InlineData(8, "1302")]
    public void Orientation_is_applied_and_reset(int orientation, string order)
    {
        // Blocks of 50x400: tall enough to break sequential reading.
        byte[] level = [10, 90, 170, 250];
        using Image quad = FromBytes([.. level.SelectMany(v => new[] { v, v, v })], 2, 2, 3).Zoom(50, 400);
        using Image turned = quad.Mutate(m => m.Set(GValue.GIntType, "orientation", orientation));
        foreach (string name in new[] { "a.jpg", "a.png", "a.webp", "a.tif" })
        {
            string input = Write(turned, name);
            using Photo photo = Photo.Open(input);
            bool swaps = orientation >= 5;
            Assert.Equal(swaps ? (800, 100) : (100, 800), (photo.Width, photo.Height));
            float[] pixels = Pixels(photo);
            (int w, int h) = (photo.Width, photo.Height);
            int[] corners = [0, w - 1, (h - 1) * w, (h * w) - 1];
            for (int i = 0; i < 4; i++)
                Assert.Equal(level[order[i] - '0'], pixels[corners[i]] * 255, tolerance: 2);
            string output = Enlarge(input, "big-" + name, scale: 1);
            using Image result = Image.NewFromFile(output);
            Assert.Equal((w, h), (result.Width, result.Height));
            Assert.True(!result.Contains("orientation") || (int)result.Get("orientation") == 1, name);
            Assert.True(
                !result.Contains("exif-ifd0-Orientation")
                    || ((string)result.Get("exif-ifd0-Orientation")).StartsWith('1'),
                name
            );
        }
    }

    [Fact]
    public void An_AVIF_is_not_turned_a_second_time_by_its_EXIF_tag()
    {
        using Image tagged = Picture(40, 24)
            .Mutate(m =>
            {
                m.Set(GValue.GIntType, "orientation", 6);
                m.Set(GValue.RefStrType, "exif-ifd0-Orientation", "6 (Right-top, Short, 1 components, 2 bytes)");
            });
        string path = Write(tagged, "a.avif");
        using Image seen = Image.NewFromFile(path);
        using Photo photo = Photo.Open(path);
        Assert.Equal((seen.Width, seen.Height), (photo.Width, photo.Height));
        using Image again = Image.NewFromFile(Enlarge(path, "b.avif", scale: 1));
        Assert.Equal((seen.Width, seen.Height), (again.Width, again.Height));
    }

    [Fact]
    public void Greyscale_is_replicated_and_palettes_become_colours()
    {
        using Photo grey = Photo.Open(Write(Picture(20, 10, 1), "grey.png"));
        Assert.True(grey.IsGreyscale);
        float[] pixels = Pixels(grey);
        Assert.Equal(pixels[..200], pixels[200..400]);
        Assert.Equal(pixels[..200], pixels[400..]);

        string palette = PathOf("palette.png");
        using (Image stripes = FromBytes([255, 0, 0, 0, 255, 0, 0, 0, 255], 3, 1, 3).Zoom(8, 8))
            stripes.Pngsave(palette, palette: true);
        using Photo photo = Photo.Open(palette);
        float[] colours = Pixels(photo);
        Assert.Equal(1f, colours[0]);
        Assert.Equal(1f, colours[(24 * 8) + 12]);
        Assert.False(photo.IsGreyscale);
    }

    [Fact]
    public void CMYK_becomes_sRGB_and_says_so()
    {
        // No ink, full cyan, full black.
        using Image ink = FromBytes([0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255], 3, 1, 4)
            .Copy(interpretation: Enums.Interpretation.Cmyk)
            .Zoom(16, 16);
        foreach (string name in new[] { "a.tif", "a.jpg" })
        {
            string path = Write(ink, name);
            using Photo photo = Photo.Open(path);
            Assert.Contains(photo.Notes, n => n.Contains("CMYK", StringComparison.Ordinal));
            Assert.Equal((8, false, false), (photo.BitDepth, photo.HasAlpha, photo.IsGreyscale));
            float[] pixels = Pixels(photo);
            int plane = 48 * 16;
            Assert.True(pixels[5] > 0.97, $"{name}: paper {pixels[5]}");
            Assert.True(pixels[24] < 0.3 && pixels[(2 * plane) + 24] > 0.6, $"{name}: cyan {pixels[24]}");
            Assert.True(pixels[40] < 0.25, $"{name}: black {pixels[40]}");
            using Image output = Image.NewFromFile(Enlarge(path, "out-" + name));
            Assert.Equal(3, output.Bands);
            Assert.False(output.Contains("icc-profile-data"));
        }
    }

    [Fact]
    public void Floating_point_TIFFs_are_read_as_linear_light()
    {
        using Image linear = FromBytes([0, 0, 0, 55, 55, 55, 255, 255, 255], 3, 1, 3)
            .Linear([1 / 255.0], [0.0])
            .Cast(Enums.BandFormat.Float)
            .Copy(interpretation: Enums.Interpretation.Scrgb);
        using Photo photo = Photo.Open(Write(linear, "a.tif"));
        Assert.Equal(16, photo.BitDepth);
        float[] pixels = Pixels(photo);
        Assert.Equal(0, pixels[0], 0.001f);
        // The sRGB curve: 1.055 * 0.2157^(1/2.4) - 0.055.
        Assert.Equal(0.5018f, pixels[1], 0.002f);
        Assert.Equal(1, pixels[2], 0.001f);
    }

    [Fact]
    public void Premultiplied_TIFF_alpha_is_undone()
    {
        byte[] values = [200, 100, 50, 128];
        using Image pixel = FromBytes(values, 1, 1, 4).Zoom(4, 4);
        pixel.Tiffsave(PathOf("a.tif"), premultiply: true);
        using Photo photo = Photo.Open(PathOf("a.tif"));
        Assert.True(photo.HasAlpha);
        Assert.Equal(200, Pixels(photo)[0] * 255, 1.5f);
    }

    [Fact]
    public void The_first_frame_of_an_animation_is_used_and_the_rest_mentioned()
    {
        using Image film = Picture(16, 32).Mutate(m => m.Set(GValue.GIntType, "page-height", 16));
        film.Gifsave(PathOf("a.gif"));
        film.Webpsave(PathOf("a.webp"), lossless: true);
        foreach (string name in new[] { "a.gif", "a.webp" })
        {
            using Photo photo = Photo.Open(PathOf(name));
            Assert.Equal((16, 16), (photo.Width, photo.Height));
            Assert.Contains("only the first of 2 frames is used", photo.Notes);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 37)]
    [InlineData(37, 1)]
    [InlineData(2, 3)]
    public void The_smallest_photos_go_through(int width, int height)
    {
        foreach (int bands in new[] { 1, 3, 4 })
        foreach (string name in new[] { "a.png", "a.jpg", "a.webp", "a.tif", "a.avif" })
        {
            string input = Write(Picture(width, height, bands), name);
            using Image output = Image.NewFromFile(Enlarge(input, "out-" + name));
            Assert.Equal((width * 4, height * 4), (output.Width, output.Height));
            using Image odd = Image.NewFromFile(Enlarge(input, "odd-" + name, scale: 1.7));
            Assert.Equal(Photo.ScaledSide(width, 1.7), odd.Width);
        }
    }
}
