using Coser.Imaging;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Imaging;

public sealed class PixelCanvasTests : TestPhotos
{
    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(0)]
    public void Pieces_are_clamped_rounded_and_put_in_place(long memoryBytes)
    {
        using var scope = torch.NewDisposeScope();
        using var canvas = new PixelCanvas(7, 5, memoryBytes);
        torch.Tensor piece = torch.zeros(1, 3, 2, 4);
        piece[0, 0] = torch.tensor(0.5f);
        piece[0, 1] = torch.tensor(-3f);
        piece[0, 2] = torch.tensor(7f);
        canvas.Write(3, 3, piece);
        canvas.Write(0, 0, torch.full([1, 3, 1, 1], 1 / 65535f, torch.float64));
        canvas.Write(1, 0, torch.full([1, 3, 1, 1], 0.25f, torch.bfloat16));
        using Image image = canvas.ToImage();
        Assert.Equal([32768, 0, 65535], image.Getpoint(3, 3));
        Assert.Equal([32768, 0, 65535], image.Getpoint(6, 4));
        Assert.Equal([0, 0, 0], image.Getpoint(2, 3));
        Assert.Equal([1, 1, 1], image.Getpoint(0, 0));
        Assert.Equal([16384, 16384, 16384], image.Getpoint(1, 0));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var scope = torch.NewDisposeScope();
        using var canvas = new PixelCanvas(7, 5);
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.Write(4, 0, torch.zeros(1, 3, 2, 4)));
        Assert.Throws<ArgumentOutOfRangeException>(() => canvas.Write(-1, 0, torch.zeros(1, 3, 2, 4)));
        Assert.Throws<ArgumentException>(() => canvas.Write(0, 0, torch.zeros(1, 1, 2, 4)));
        Assert.Throws<ArgumentException>(() => canvas.Write(0, 0, torch.full([1, 3, 2, 4], float.NaN)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PixelCanvas(0, 5));
    }

    [Fact]
    public void Memory_and_file_give_the_same_photo_and_the_file_goes_away()
    {
        using Photo photo = Photo.Open(Write(Picture(90, 70), "a.png"));
        float[][] results = new float[2][];
        string file = "";
        foreach (bool onDisk in new[] { false, true })
        {
            using var scope = torch.NewDisposeScope();
            var canvas = new PixelCanvas(180, 140, onDisk ? 0 : long.MaxValue);
            file = canvas.TemporaryFile;
            torch.Tensor all = photo.Read(new PixelArea(0, 0, 90, 70));
            canvas.Write(0, 0, all.repeat_interleave(2, 2).repeat_interleave(2, 3));
            using Photo large = photo.WithPixels(canvas, 1.5);
            large.Save(PathOf("o.png"));
            results[onDisk ? 1 : 0] = Pixels(large);
            Assert.Equal(onDisk, file.Length > 0);
            if (onDisk && OperatingSystem.IsLinux())
                Assert.False(File.Exists(file));
        }
        Assert.Equal(results[0], results[1]);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void Large_canvases_do_not_live_in_memory()
    {
        using var canvas = new PixelCanvas(6000, 4000);
        Assert.NotEmpty(canvas.TemporaryFile);
        using var small = new PixelCanvas(4000, 4000);
        Assert.Empty(small.TemporaryFile);
    }
}
