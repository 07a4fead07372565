using Coser.Imaging;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Imaging;

/// <summary>A temporary folder, and pictures made up for the tests.</summary>
public abstract class TestPhotos : IDisposable
{
    protected TestPhotos()
    {
        Coser.Imaging.VipsEngine.EnsureLoaded();
    }

    protected string Folder { get; } = Directory.CreateTempSubdirectory("coser-test-").FullName;

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Smooth colours with a different slope in each band; 8 or 16 bits, any number of bands.</summary>
    protected static Image Picture(int width, int height, int bands = 3, int bits = 8)
    {
        var values = new ushort[width * height * bands];
        int at = 0;
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
        for (int b = 0; b < bands; b++)
        {
            double wave = Math.Sin((x * (b + 1) * 0.05) + (y * (3 - b) * 0.04) + b);
            values[at++] = (ushort)(Math.Round(128 + (110 * wave)) * (bits == 8 ? 1 : 257));
        }
        return FromValues(values, width, height, bands, bits);
    }

    protected static Image FromValues(ushort[] values, int width, int height, int bands, int bits)
    {
        using Image raw = Image.NewFromMemory(values, width, height, bands, Enums.BandFormat.Ushort);
        Image typed = bits == 8 ? raw.Cast(Enums.BandFormat.Uchar) : raw.CopyMemory();
        return PixelDepth.Tagged(typed).CopyMemory();
    }

    protected static Image FromBytes(byte[] values, int width, int height, int bands) =>
        FromValues([.. values.Select(v => (ushort)v)], width, height, bands, 8);

    protected string Write(Image image, string name)
    {
        string path = PathOf(name);
        switch (PhotoFormats.FromPath(path))
        {
            case PhotoFormat.Jpeg:
                image.Jpegsave(path, q: 95);
                break;
            case PhotoFormat.WebP:
                image.Webpsave(path, lossless: true);
                break;
            case PhotoFormat.Avif:
                image.Heifsave(path, q: 90, effort: 1, compression: Enums.ForeignHeifCompression.Av1);
                break;
            default:
                image.WriteToFile(path);
                break;
        }
        return path;
    }

    protected static float[] Pixels(Photo photo)
    {
        using torch.Tensor all = photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
        return all.data<float>().ToArray();
    }

    /// <summary>What a network might make of a photo: each pixel repeated, so that values can be followed.</summary>
    protected static PixelCanvas Repeated(Photo photo, int factor = 4)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor all = photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
        torch.Tensor large = all.repeat_interleave(factor, 2).repeat_interleave(factor, 3);
        var canvas = new PixelCanvas(photo.Width * factor, photo.Height * factor);
        canvas.Write(0, 0, large);
        return canvas;
    }

    /// <summary>Opens, enlarges by repetition and saves; the path of the output.</summary>
    protected string Enlarge(string input, string output, SaveOptions? options = null, double scale = 4)
    {
        using Photo photo = Photo.Open(input);
        using Photo large = photo.WithPixels(Repeated(photo), scale);
        large.Save(PathOf(output), options);
        return PathOf(output);
    }

    protected static double LargestDifference(Image a, Image b)
    {
        Assert.Equal((a.Width, a.Height, a.Bands), (b.Width, b.Height, b.Bands));
        return (a.Cast(Enums.BandFormat.Float) - b).Abs().Max();
    }
}
