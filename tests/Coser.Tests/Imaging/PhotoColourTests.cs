using Coser.Imaging;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Imaging;

public sealed class PhotoColourTests : TestPhotos
{
    private const string Field = "icc-profile-data";

    private static byte[] Profile(string name) => (byte[])Image.ProfileLoad(name);

    private static Image Tagged(Image image, byte[] profile) =>
        image.Mutate(m => m.Set(GValue.BlobType, Field, profile));

    [Fact]
    public void An_sRGB_profile_changes_nothing_and_is_kept()
    {
        byte[] srgb = Profile("srgb");
        using Image picture = Picture(32, 24);
        string path = Write(Tagged(picture, srgb), "a.png");
        using Photo photo = Photo.Open(path);
        Assert.NotNull(photo.ProfileName);
        float[] pixels = Pixels(photo);
        byte[] stored = picture.WriteToMemory<byte>();
        for (int i = 0; i < 32 * 24; i++)
            Assert.Equal(stored[i * 3] / 255f, pixels[i]);
        using Image output = Image.NewFromFile(Enlarge(path, "b.png", scale: 1));
        Assert.Equal(srgb, (byte[])output.Get(Field));
        using Image large = Image.NewFromFile(Enlarge(path, "c.png"));
        using Image expected = picture.Zoom(4, 4);
        Assert.Equal(0, LargestDifference(large, expected));
    }

    [Theory]
    [InlineData("a.png", 8)]
    [InlineData("a.png", 16)]
    [InlineData("a.tif", 16)]
    [InlineData("a.jpg", 8)]
    [InlineData("a.webp", 8)]
    [InlineData("a.avif", 8)]
    public void A_wide_gamut_photo_comes_back_in_its_own_profile(string name, int bits)
    {
        byte[] p3 = Profile("p3");
        using Image picture = Picture(32, 24, 3, bits);
        string path = Write(Tagged(picture, p3), name);
        using Image stored = Image.NewFromFile(path);
        using Image output = Image.NewFromFile(Enlarge(path, "big-" + name));
        Assert.Equal(p3, (byte[])output.Get(Field));
        // Lossless: the same colours within one 8-bit step, though many lie outside sRGB.
        using Image expected = stored.Zoom(4, 4);
        double difference = LargestDifference(output.Shrink(4, 4), stored) / (bits == 16 ? 257 : 1);
        Assert.True(difference <= (name is "a.png" or "a.tif" ? 8 : 24), $"{difference}");
    }

    [Fact]
    public void Saturated_colours_survive_the_way_through_sRGB()
    {
        // Flat patches of the purest P3 colours, half a dozen pixels wide: what enlarging makes of edges is not the point.
        using Image patches = FromBytes(
                [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0, 128, 128, 128, 250, 120, 10],
                6,
                1,
                3
            )
            .Zoom(8, 8);
        string path = Write(Tagged(patches, Profile("p3")), "a.png");
        using Photo photo = Photo.Open(path);
        float[] pixels = Pixels(photo);
        // Grey stays grey, pure P3 red is the limit of sRGB's.
        Assert.Equal(128 / 255f, pixels[36], 0.004f);
        Assert.Equal(1f, pixels[4], 0.001f);
        using Image output = Image.NewFromFile(Enlarge(path, "b.png"));
        double worst = 0;
        for (int patch = 0; patch < 6; patch++)
        {
            double[] before = patches.Getpoint((patch * 8) + 4, 4);
            double[] after = output.Getpoint((patch * 32) + 16, 16);
            worst = Math.Max(worst, before.Zip(after, (a, b) => Math.Abs(a - b)).Max());
        }
        TestContext.Current.SendDiagnosticMessage("largest loss of a pure P3 colour: {0} of 255", worst);
        Assert.True(worst <= 1, $"{worst}");
        // Without the residual, clipping alone takes this much.
        byte[] p3 = Profile("p3");
        ColourProfile profile = ColourProfile.Create(p3, "RGB ")!;
        Assert.True(profile.IsReturnable && !profile.IsSrgb);
        using Image clipped = PixelDepth.To8(profile.FromSrgb(profile.ToSrgb(patches)));
        double loss = LargestDifference(clipped, patches);
        TestContext.Current.SendDiagnosticMessage("the same by clipping: {0} of 255", loss);
        Assert.True(loss > 30, $"{loss}");
    }

    [Fact]
    public void A_profile_that_does_not_fit_or_is_damaged_is_left_out_with_a_note()
    {
        byte[] p3 = Profile("p3");
        (string, Image)[] files =
        [
            ("grey.tif", Tagged(Picture(8, 8), p3)),
            ("broken.tif", Tagged(Picture(8, 8), p3)),
            ("unsigned.tif", Tagged(Picture(8, 8), p3)),
        ];
        foreach ((string name, Image image) in files)
        {
            using (image)
                image.Tiffsave(PathOf(name));
            // libvips writes no profile that does not fit, so it is made so afterwards.
            byte[] file = File.ReadAllBytes(PathOf(name));
            Span<byte> icc = file.AsSpan(file.AsSpan().IndexOf("acsp"u8) - 36);
            if (name == "grey.tif")
                "GRAY"u8.CopyTo(icc[16..]);
            else if (name == "unsigned.tif")
                icc.Slice(36, 4).Clear();
            else
                icc.Slice(128, 300).Clear();
            File.WriteAllBytes(PathOf(name), file);
            using Photo photo = Photo.Open(PathOf(name));
            Assert.True(photo.ProfileName is null, name);
            Assert.True(photo.Notes.Count > 0, name);
            Assert.Contains(photo.Notes, n => n.Contains("profile", StringComparison.Ordinal));
            using Image output = Image.NewFromFile(Enlarge(PathOf(name), "out-" + name));
            Assert.False(output.Contains(Field));
        }
    }

    [Fact]
    public void Greyscale_stays_greyscale_with_its_profile()
    {
        byte[] gamma = GreyProfile.Gamma(1.0);
        using Image ramp = FromBytes([.. Enumerable.Range(0, 256).Select(v => (byte)v)], 256, 1, 1).Zoom(1, 4);
        foreach (string name in new[] { "a.png", "a.jpg", "a.tif" })
        {
            string path = Write(Tagged(ramp, gamma), name);
            using Photo photo = Photo.Open(path);
            Assert.True(photo.IsGreyscale);
            // Linear light of 55/255 is 0.5 on sRGB's curve.
            Assert.Equal(0.502f, Pixels(photo)[55], 0.03f);
            using Image output = Image.NewFromFile(Enlarge(path, "big-" + name));
            Assert.Equal(1, output.Bands);
            Assert.Equal(gamma, (byte[])output.Get(Field));
            using Image stored = Image.NewFromFile(path);
            double difference = LargestDifference(output, stored.Zoom(4, 4));
            Assert.True(difference <= (name == "a.jpg" ? 8 : 1), $"{name}: {difference}");
        }
        // WebP and AVIF know no grey: the colours are sRGB then, and the grey profile stays behind.
        using Image rgb = Image.NewFromFile(Enlarge(PathOf("a.png"), "b.webp"));
        Assert.False(rgb.Contains(Field));
        Assert.Equal(128, rgb.Getpoint(220, 8)[0], 6.0);
    }

    [Theory]
    [InlineData("b.png", 0)]
    [InlineData("b.tif", 0)]
    [InlineData("b.avif", 900)]
    public void Sixteen_bits_come_through(string name, double tolerance)
    {
        string path = Write(Picture(40, 30, 3, 16), "a.png");
        using Image stored = Image.NewFromFile(path);
        using Image output = Image.NewFromFile(Enlarge(path, name));
        Assert.Equal(Enums.BandFormat.Ushort, output.Format);
        Assert.True(LargestDifference(output, stored.Zoom(4, 4)) <= tolerance);
    }

    [Fact]
    public void A_smaller_scale_shrinks_the_canvas_and_rounds_the_size()
    {
        using Photo photo = Photo.Open(Write(Picture(33, 21), "a.png"));
        foreach (double scale in new[] { 4, 3.99, 2.5, 2, 1.31, 1, 0.4 })
        {
            using Photo scaled = photo.WithPixels(Repeated(photo), scale);
            Assert.Equal((int)Math.Round(33 * scale, MidpointRounding.AwayFromZero), scaled.Width);
            Assert.Equal((int)Math.Round(21 * scale, MidpointRounding.AwayFromZero), scaled.Height);
            Assert.Equal(Pixels(photo).Average(), Pixels(scaled).Average(), 0.01f);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.WithPixels(Repeated(photo), 4.01));
        Assert.Throws<ArgumentException>(() => photo.WithPixels(new PixelCanvas(33 * 4, 21 * 3), 1));
        Assert.Throws<ArgumentException>(() => photo.WithPixels(new PixelCanvas(34, 21), 1));
    }

    [Fact]
    public void A_photo_made_from_another_outlives_it()
    {
        Photo photo = Photo.Open(Write(Tagged(Picture(16, 12, 4), Profile("p3")), "a.png"));
        using Photo large = photo.WithPixels(Repeated(photo), 4);
        photo.Dispose();
        File.Delete(PathOf("a.png"));
        large.Save(PathOf("b.png"));
        using torch.Tensor pixels = large.Read(new PixelArea(0, 0, 64, 48));
        Assert.Equal([1, 3, 48, 64], pixels.shape);
        Assert.Throws<ObjectDisposedException>(() => photo.Read(new PixelArea(0, 0, 1, 1)));
    }
}
