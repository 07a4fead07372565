using Coser.Training.Captions;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training.Captions;

public sealed class ColourTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(0, 0, 0, "Black")]
    [InlineData(20, 22, 25, "Black")]
    [InlineData(128, 128, 128, "Grey")]
    [InlineData(250, 250, 250, "White")]
    [InlineData(210, 20, 30, "Red")]
    [InlineData(255, 140, 0, "Orange")]
    [InlineData(255, 220, 0, "Yellow")]
    [InlineData(34, 139, 34, "Green")]
    [InlineData(107, 142, 35, "Green")]
    [InlineData(64, 224, 208, "Turquoise")]
    [InlineData(30, 80, 220, "Blue")]
    [InlineData(135, 206, 235, "Blue")]
    [InlineData(128, 0, 128, "Purple")]
    [InlineData(255, 105, 180, "Pink")]
    [InlineData(139, 69, 19, "Brown")]
    [InlineData(222, 196, 160, "Beige")]
    public void Colours_have_the_names_people_use(int r, int g, int b, string name) =>
        Assert.Equal(name, Shade.Of(r / 255f, g / 255f, b / 255f).Name.ToString());

    [Fact]
    public void Oklab_is_the_published_one()
    {
        // Reference values of Ottosson's page: white (1,0,0) and red (0.628, 0.225, 0.126).
        Assert.Equal(1, Shade.Of(1, 1, 1).Lightness, 1e-3f);
        Assert.Equal(0, Shade.Of(1, 1, 1).Chroma, 1e-3f);
        Shade red = Shade.Of(1, 0, 0);
        Assert.Equal(0.628, red.Lightness, 1e-3);
        Assert.Equal(Math.Sqrt(0.22486 * 0.22486 + 0.12585 * 0.12585), red.Chroma, 1e-3);
        Assert.Equal(29.23, red.Hue, 0.1);
    }

    [Fact]
    public void Regions_are_told_apart()
    {
        PhotoLook halves = Look((x, _) => x < 0.5 ? (210, 20, 30) : (30, 80, 220));
        Assert.Equal("red", halves.Left?.Words);
        Assert.Equal("blue", halves.Right?.Words);
        Assert.Null(halves.Top);
        PhotoLook layers = Look((_, y) => y < 0.5 ? (240, 240, 240) : (10, 70, 20));
        Assert.Equal("white", layers.Top?.Words);
        Assert.Equal("dark green", layers.Bottom?.Words);
        Assert.Equal("top", layers.LighterSide);
    }

    [Fact]
    public void Subject_and_background_are_told_apart()
    {
        using Tensor painted = PaintedPhotos.Disc((210, 20, 30), (_, _) => (245, 245, 245));
        PhotoLook look = PhotoLook.Measure(painted);
        Assert.Equal("red", look.Subject?.Words);
        Assert.Equal("white", look.Surround?.Words);
        Assert.Equal(PhotoBackground.Plain, look.Background);
        // Of one colour all over, nothing stands out.
        Assert.Null(Look((_, _) => (210, 20, 30)).Subject);
    }

    [Fact]
    public void A_soft_background_is_blurred_and_a_sharp_one_is_not()
    {
        (int, int, int) Soft(double x, double y)
        {
            int wave = (int)(50 * Math.Sin(22 * x) * Math.Cos(20 * y));
            return (60 + wave, 120 + wave, 60 + wave);
        }
        Tensor Disc(Func<double, double, (int, int, int)> behind) =>
            PaintedPhotos.Paint(
                (x, y) => PaintedPhotos.InDisc(x, y) ? PaintedPhotos.Striped((200, 60, 60), x, y) : behind(x, y)
            );
        PhotoLook soft = PhotoLook.Measure(Disc(Soft));
        Assert.Equal(PhotoBackground.Blurred, soft.Background);
        Assert.Equal(PhotoFraming.CloseUp, soft.Framing);
        PhotoLook sharp = PhotoLook.Measure(Disc((x, y) => PaintedPhotos.Striped(Soft(x, y), x, y)));
        Assert.Equal(PhotoBackground.Busy, sharp.Background);
        Assert.Equal(PhotoFraming.Usual, sharp.Framing);
    }

    [Fact]
    public void A_sky_a_landscape_and_darkness_are_seen()
    {
        PhotoLook land = Look((x, y) => y < 0.35 ? (110, 160, 220) : PaintedPhotos.Striped((70, 110, 40), x, y));
        Assert.True(land.BlueSky);
        Assert.Equal(PhotoFraming.Wide, land.Framing);
        Assert.InRange(land.Greenery, 0.4, 0.7);
        Assert.False(Look((_, _) => (110, 160, 220)).BlueSky);
        Assert.Equal(PhotoLight.Dark, Look((_, _) => (20, 18, 25)).Light);
        Assert.Equal(PhotoLight.Bright, Look((_, _) => (230, 225, 235)).Light);
        Assert.True(Look((x, _) => ((int)(255 * x), (int)(255 * x), (int)(255 * x))).Monochrome);
        Assert.False(Look((x, y) => x + y < 0.4 ? (200, 40, 40) : (128, 128, 128)).Monochrome);
    }

    private static PhotoLook Look(Func<double, double, (int, int, int)> colour) =>
        PhotoLook.Measure(PaintedPhotos.Paint(colour));
}
