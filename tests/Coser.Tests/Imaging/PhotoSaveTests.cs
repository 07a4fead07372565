using Coser.Imaging;
using NetVips;

namespace Coser.Tests.Imaging;

public sealed class PhotoSaveTests : TestPhotos
{
    private Photo Small() => Photo.Open(Write(Picture(20, 16), "small.png"));

    private string[] Others(params string[] known) =>
        [.. Directory.EnumerateFiles(Folder).Select(f => Path.GetFileName(f)!).Except([.. known, "small.png"])];

    [Theory]
    [InlineData("o.jpg", PhotoFormat.Jpeg)]
    [InlineData("o.JPEG", PhotoFormat.Jpeg)]
    [InlineData("o.png", PhotoFormat.Png)]
    [InlineData("o.webp", PhotoFormat.WebP)]
    [InlineData("o.tiff", PhotoFormat.Tiff)]
    [InlineData("o.avif", PhotoFormat.Avif)]
    [InlineData("o[Q=1] \u00e4\u65e5.png", PhotoFormat.Png)]
    public void Every_format_is_written_by_its_extension_and_read_again(string name, PhotoFormat format)
    {
        using Photo photo = Small();
        photo.Save(PathOf(name));
        using Photo again = Photo.Open(PathOf(name));
        Assert.Equal(format, again.Format);
        double error = Pixels(photo).Zip(Pixels(again), (a, b) => Math.Abs(a - b)).Average();
        Assert.True(error <= (format is PhotoFormat.Png or PhotoFormat.Tiff ? 0 : 0.03), $"{error}");
        Assert.Empty(Others(name));
    }

    [Fact]
    public void The_format_option_overrides_the_extension_and_quality_counts()
    {
        using Photo photo = Photo.Open(Write(Picture(200, 160), "large.png"));
        photo.Save(PathOf("o.bin"), new SaveOptions { Format = PhotoFormat.WebP });
        using (Photo again = Photo.Open(PathOf("o.bin")))
            Assert.Equal(PhotoFormat.WebP, again.Format);
        foreach (string name in new[] { "o.jpg", "o.webp", "o.avif" })
        {
            photo.Save(PathOf(name), new SaveOptions { Quality = 30 });
            long low = new FileInfo(PathOf(name)).Length;
            photo.Save(PathOf(name), new SaveOptions { Quality = 98 });
            Assert.True(new FileInfo(PathOf(name)).Length > low, name);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => photo.Save(PathOf("o.jpg"), new SaveOptions { Quality = 0 }));
        Assert.Contains(
            "jpeg, png",
            Assert.Throws<PhotoException>(() => photo.Save(PathOf("o.bmp"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Overwriting_is_asked_for_and_may_replace_the_input()
    {
        string path = Write(Picture(20, 16), "a.png");
        using Photo photo = Photo.Open(path);
        Assert.Throws<PhotoException>(() => photo.Save(path, new SaveOptions { Overwrite = false }));
        using Photo large = photo.WithPixels(Repeated(photo), 4);
        large.Save(path);
        using (Photo again = Photo.Open(path))
            Assert.Equal(80, again.Width);
        large.Save(PathOf("b.png"), new SaveOptions { Overwrite = false });
        Assert.Empty(Others("a.png", "b.png"));
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_refused_and_leaves_nothing()
    {
        using Photo photo = Small();
        File.WriteAllText(PathOf("file"), "");
        foreach (string path in new[] { PathOf("none/o.png"), PathOf("file/o.png"), Folder, Folder + "/" })
        {
            var e = Assert.Throws<PhotoException>(() => photo.Save(path, new SaveOptions { Format = PhotoFormat.Png }));
            Assert.NotEmpty(e.Remedy);
        }
        // Nobody can write there, not even root.
        if (Directory.Exists("/proc/self"))
            Assert.Throws<PhotoException>(() => photo.Save("/proc/o.png"));
        Assert.Empty(Others("file"));
    }

    [Fact]
    public void A_failing_save_keeps_the_old_file_and_removes_the_new()
    {
        // The name of the partial file is taken by the encoder's own limit: WebP cannot hold this side.
        using Photo photo = Photo.Open(Write(Picture(2, 300), "small.png"));
        var canvas = new PixelCanvas(200, 30_000);
        using Photo large = photo.WithPixels(canvas, 100);
        canvas.Dispose();
        File.WriteAllText(PathOf("o.png"), "old");
        large.Dispose();
        Assert.Throws<ObjectDisposedException>(() => large.Save(PathOf("o.png")));
        Assert.Equal("old", File.ReadAllText(PathOf("o.png")));
        Assert.Empty(Others("o.png"));
    }

    [Fact]
    public void Long_names_and_links_are_written()
    {
        using Photo photo = Small();
        string name = new string('\u00e9', 120) + ".png";
        photo.Save(PathOf(name));
        Assert.True(File.Exists(PathOf(name)));
        File.CreateSymbolicLink(PathOf("link.png"), PathOf("real.png"));
        photo.Save(PathOf("link.png"));
        Assert.True(File.Exists(PathOf("real.png")));
        Assert.NotNull(new FileInfo(PathOf("link.png")).LinkTarget);
    }

    [Fact]
    public void Formats_know_what_they_can_hold()
    {
        Assert.True(PhotoFormats.TryParse(".Jpg", out PhotoFormat jpeg));
        Assert.Equal(PhotoFormat.Jpeg, jpeg);
        Assert.False(PhotoFormats.TryParse("bmp", out _));
        Assert.False(PhotoFormats.TryParse(null, out _));
        Assert.Null(PhotoFormats.FromPath("/a/png"));
        foreach (PhotoFormat format in Enum.GetValues<PhotoFormat>())
            Assert.Equal(format, PhotoFormats.FromPath("x" + format.Extension()));
        Assert.False(PhotoFormat.Jpeg.CanHoldAlpha() || PhotoFormat.Jpeg.CanHold16Bit() || PhotoFormat.WebP.CanHold16Bit());
        PhotoFormat.WebP.CheckSize("o.webp", 16_383, 1);
        foreach ((PhotoFormat format, int side) in new[] { (PhotoFormat.WebP, 16_384), (PhotoFormat.Avif, 16_385), (PhotoFormat.Jpeg, 65_501) })
        {
            Assert.Throws<PhotoException>(() => format.CheckSize("o", 1, side));
            using Image strip = Picture(1, side);
            using Photo photo = Photo.Open(Write(strip, "strip.png"));
            Assert.Throws<PhotoException>(() => photo.Save(PathOf("strip" + format.Extension())));
        }
    }

    [Fact]
    public void Longest_sides_are_what_the_encoders_take()
    {
        foreach (PhotoFormat format in new[] { PhotoFormat.Jpeg, PhotoFormat.WebP, PhotoFormat.Avif })
        {
            using Photo photo = Photo.Open(Write(Picture(2, format.MaxSide()), "strip.png"));
            photo.Save(PathOf("strip" + format.Extension()));
            using Image strip = Image.NewFromFile(PathOf("strip" + format.Extension()));
            Assert.Equal(format.MaxSide(), strip.Height);
        }
    }
}
