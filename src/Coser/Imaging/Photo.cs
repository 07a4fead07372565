#pragma warning disable CS1591, CA1822
using TorchSharp;

namespace Coser.Imaging;

public sealed class Photo : IDisposable
{
    public static Photo Open(string path, PhotoLimits? limits = null) => throw new NotSupportedException();
    public int Width => 0;
    public int Height => 0;
    public IReadOnlyList<string> Notes => [];
    public PhotoFormat? Format => null;
    public torch.Tensor Read(PixelArea area) => throw new NotSupportedException();
    public Photo WithPixels(PixelCanvas canvas, double scale) => throw new NotSupportedException();
    public void Save(string path, SaveOptions? options = null) => throw new NotSupportedException();
    public void Dispose() { }
}
public sealed class PixelCanvas(int width, int height) : IDisposable
{
    public int Width { get; } = width;
    public int Height { get; } = height;
    public void Write(int left, int top, torch.Tensor pixels) => throw new NotSupportedException();
    public void Dispose() { }
}
public readonly record struct PixelArea(int Left, int Top, int Width, int Height);
public sealed record PhotoLimits
{
    public long MaxPixels { get; init; } = 268_435_456;
}

public sealed record SaveOptions
{
    public PhotoFormat? Format { get; init; }
    public int? Quality { get; init; }
    public string? Record { get; init; }
}
