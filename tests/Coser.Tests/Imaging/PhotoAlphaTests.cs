using Coser.Imaging;
using NetVips;

namespace Coser.Tests.Imaging;

public sealed class PhotoAlphaTests : TestPhotos
{
    private const int Side = 40;

    // A red disc with a soft edge; what lies under transparency has the given level.
    private static Image Disc(ushort under, int bits)
    {
        var values = new ushort[Side * Side * 4];
        ushort max = bits == 8 ? (ushort)255 : (ushort)65535;
        for (int i = 0; i < Side * Side; i++)
        {
            double distance = Math.Sqrt(Math.Pow((i % Side) - 19.5, 2) + Math.Pow((i / Side) - 19.5, 2));
            double cover = Math.Clamp(12.5 - distance, 0, 1);
            ushort outside = (ushort)(under * (bits == 8 ? 1 : 257));
            (ushort r, ushort g, ushort b) = cover > 0 ? (max, (ushort)0, (ushort)0) : (outside, outside, outside);
            (values[i * 4], values[(i * 4) + 1], values[(i * 4) + 2]) = (r, g, b);
            values[(i * 4) + 3] = (ushort)Math.Round(cover * max);
        }
        return FromValues(values, Side, Side, 4, bits);
    }

    [Theory]
    [InlineData(0, 8)]
    [InlineData(255, 8)]
    [InlineData(0, 16)]
    [InlineData(255, 16)]
    public void Under_transparency_lies_the_colour_of_the_neighbours(int under, int bits)
    {
        using Photo photo = Photo.Open(Write(Disc((ushort)under, bits), "disc.png"));
        Assert.True(photo.HasAlpha);
        float[] pixels = Pixels(photo);
        int plane = Side * Side;
        Assert.All(pixels[..plane], v => Assert.Equal(1f, v, 0.005f));
        Assert.All(pixels[plane..], v => Assert.Equal(0f, v, 0.005f));
    }

    [Theory]
    [InlineData("out.png", 0)]
    [InlineData("out.png", 255)]
    [InlineData("out.tif", 255)]
    [InlineData("out.webp", 0)]
    [InlineData("out.avif", 255)]
    public void The_enlarged_edge_has_no_halo(string output, int under)
    {
        string path = Enlarge(Write(Disc((ushort)under, 8), "disc.png"), output);
        using Image result = Image.NewFromFile(path);
        Assert.Equal(4, result.Bands);
        // On white and on black a halo would be a tint that no mixture of red and the ground has.
        using Image onWhite = result.Flatten(background: [255]);
        using Image onBlack = result.Flatten(background: [0]);
        double tolerance =
            output.EndsWith("png", StringComparison.Ordinal) || output.EndsWith("tif", StringComparison.Ordinal)
                ? 1
                : 14;
        Assert.True(onWhite[0].Min() >= 255 - tolerance, $"dark halo: {onWhite[0].Min()}");
        Assert.True(onBlack[1].Max() <= tolerance, $"bright halo: {onBlack[1].Max()}");
        // And alpha is clean: nothing faint far outside, no dents inside, an edge no wider than the stored one.
        using Image alpha = result[3];
        Assert.Equal(0, alpha.Crop(0, 0, 4 * Side, 4 * 6).Max());
        Assert.Equal(255, alpha.Crop(64, 64, 32, 32).Min());
        using Image ring = alpha.Crop(0, 80, 80, 1);
        Assert.InRange((ring > 2).Avg() / 255 * 80, 48, 53);
    }

    [Fact]
    public void A_photo_without_holes_and_one_without_anything_are_left_alone()
    {
        using Image clear = FromBytes(
            [.. Enumerable.Repeat(new byte[] { 9, 8, 7, 0 }, 30).SelectMany(v => v)],
            6,
            5,
            4
        );
        using Photo photo = Photo.Open(Write(clear, "clear.png"));
        Assert.Equal(9 / 255f, Pixels(photo)[0]);
        using Image output = Image.NewFromFile(Enlarge(PathOf("clear.png"), "out.png"));
        Assert.Equal(0, output[3].Max());
    }

    [Fact]
    public void Grey_with_alpha_stays_grey_with_alpha()
    {
        using Image output = Image.NewFromFile(Enlarge(Write(Picture(20, 16, 2), "a.png"), "b.png"));
        Assert.Equal((80, 64, 2), (output.Width, output.Height, output.Bands));
    }

    [Fact]
    public void JPEG_lays_the_photo_on_white_and_says_so()
    {
        using Photo photo = Photo.Open(Write(Disc(0, 8), "disc.png"));
        using Photo large = photo.WithPixels(Repeated(photo), 4);
        large.Save(PathOf("disc.jpg"));
        large.Save(PathOf("disc.jpg"));
        Assert.Single(large.Notes, n => n.Contains("laid on white", StringComparison.Ordinal));
        using Image output = Image.NewFromFile(PathOf("disc.jpg"));
        Assert.Equal(3, output.Bands);
        Assert.True(output.Getpoint(2, 2).Min() > 250);
    }

    [Fact]
    public void Large_holes_of_odd_sizes_are_filled_to_the_corner()
    {
        var values = new byte[67 * 131 * 4];
        (values[0], values[1], values[2], values[3]) = (20, 200, 90, 255);
        using Photo photo = Photo.Open(Write(FromBytes(values, 67, 131, 4), "a.png"));
        float[] pixels = Pixels(photo);
        Assert.All(pixels[..(67 * 131)], v => Assert.Equal(20 / 255f, v, 0.003f));
    }
}
