using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using NetVips;
using TorchSharp;

namespace Coser.Imaging;

/// <summary>
/// A 16-bit sRGB picture that is filled piece by piece, in any order. Up to 128 MiB it lives in memory, above that in a
/// temporary file (TMPDIR), so that memory stays bounded however large it is. What is never written stays black.
/// </summary>
public sealed class PixelCanvas : IDisposable
{
    private const int Bands = 3;
    private const int PixelBytes = Bands * sizeof(ushort);
    private const long MemoryBytes = 128 << 20;

    // Rows converted at a time: bounds what a wide tensor costs on the way.
    private const int StripPixels = 1 << 20;
    private readonly ushort[]? _memory;
    private readonly SafeFileHandle? _file;
    private readonly string _path = "";
    private bool _disposed;

    /// <summary>An all-black canvas of that many pixels.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive.</exception>
    /// <exception cref="PhotoException">There is no room for the temporary file.</exception>
    public PixelCanvas(int width, int height)
        : this(width, height, MemoryBytes) { }

    internal PixelCanvas(int width, int height, long memoryBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        VipsEngine.EnsureLoaded();
        Width = width;
        Height = height;
        long bytes = (long)width * height * PixelBytes;
        if (bytes <= memoryBytes)
        {
            _memory = new ushort[(long)width * height * Bands];
            return;
        }
        _path = Path.Combine(Path.GetTempPath(), $"coser-{Environment.ProcessId}-{Guid.NewGuid():n}.pixels");
        try
        {
            _file = File.OpenHandle(
                _path,
                FileMode.CreateNew,
                FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete,
                FileOptions.DeleteOnClose
            );
            RandomAccess.SetLength(_file, bytes);
            // An open file needs no name: without one it is gone even if this process is killed.
            if (OperatingSystem.IsLinux())
                File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _file?.Dispose();
            throw NoRoom(e);
        }
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>Where the temporary file is, for tests; empty for a canvas in memory.</summary>
    internal string TemporaryFile => _path;

    /// <summary>Puts pixels at (<paramref name="left"/>, <paramref name="top"/>), clamped to [0,1] and rounded to 16 bits.</summary>
    /// <param name="pixels">[1,3,h,w], sRGB in [0,1], any floating type, any device.</param>
    /// <exception cref="ArgumentException">The shape is another, or a value is not a number.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The pixels do not lie inside the canvas.</exception>
    /// <exception cref="PhotoException">The temporary file cannot be written.</exception>
    public void Write(int left, int top, torch.Tensor pixels)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.dim() != 4 || pixels.size(0) != 1 || pixels.size(1) != Bands)
            throw new ArgumentException(
                $"pixels are [{string.Join(",", pixels.shape)}], not [1,3,h,w]",
                nameof(pixels)
            );
        (long height, long width) = (pixels.size(2), pixels.size(3));
        if (left < 0 || top < 0 || left + width > Width || top + height > Height)
        {
            throw new ArgumentOutOfRangeException(
                nameof(pixels),
                $"{width} x {height} at ({left}, {top}) leaves the canvas of {Width} x {Height}"
            );
        }
        long rows = Math.Max(1, StripPixels / Math.Max(1, width));
        for (long row = 0; row < height; row += rows)
            WriteStrip(left, top + (int)row, pixels, row, Math.Min(rows, height - row));
    }

    /// <summary>Reads pixels back.</summary>
    /// <returns>[1,3,h,w] float32 in [0,1], on the CPU.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The area is empty or leaves the canvas.</exception>
    public torch.Tensor Read(PixelArea area)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        bool inside =
            area is { Left: >= 0, Top: >= 0, Width: > 0, Height: > 0 }
            && area.Left <= Width - area.Width
            && area.Top <= Height - area.Height;
        if (!inside)
            throw new ArgumentOutOfRangeException(nameof(area), $"{area} leaves the canvas of {Width} x {Height}");
        var samples = new ushort[area.Width * Bands];
        int plane = area.Width * area.Height;
        torch.Tensor pixels = torch.empty([1, Bands, area.Height, area.Width], dtype: torch.float32);
        Span<float> planes = MemoryMarshal.Cast<byte, float>(pixels.bytes);
        for (int y = 0; y < area.Height; y++)
        {
            ReadRow(area.Left, area.Top + y, samples);
            for (int i = 0; i < samples.Length; i++)
                planes[i % Bands * plane + y * area.Width + i / Bands] = samples[i] / 65535f;
        }
        return pixels;
    }

    /// <summary>The picture, read lazily: 3 bands, 16 bits. It must not outlive the canvas.</summary>
    internal Image ToImage()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_memory is not null)
        {
            using Image raw = Image.NewFromMemory(_memory, Width, Height, Bands, Enums.BandFormat.Ushort);
            return PixelDepth.Tagged(raw);
        }
        string path = OperatingSystem.IsLinux() ? $"/proc/self/fd/{_file!.DangerousGetHandle()}" : _path;
        return Image.Rawload(
            path,
            Width,
            Height,
            Bands,
            format: Enums.BandFormat.Ushort,
            interpretation: Enums.Interpretation.Rgb16
        );
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _file?.Dispose();
    }

    private void WriteStrip(int left, int top, torch.Tensor pixels, long first, long rows)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        // [3,rows,w] -> [rows,w,3]
        torch.Tensor strip = pixels[0].narrow(1, first, rows).to(torch.float32).permute(1, 2, 0);
        int width = (int)strip.size(1);
        if (strip.isnan().any().ToBoolean())
            throw new ArgumentException("the pixels hold values that are not numbers (NaN)", nameof(pixels));
        torch.Tensor scaled = strip.clamp(0, 1).mul(65535).round().to(torch.int32).contiguous().cpu();
        ReadOnlySpan<int> values = MemoryMarshal.Cast<byte, int>(scaled.bytes);
        var samples = new ushort[width * Bands];
        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<int> row = values.Slice(y * samples.Length, samples.Length);
            for (int i = 0; i < row.Length; i++)
                samples[i] = (ushort)row[i];
            WriteRow(left, top + y, samples);
        }
    }

    private void WriteRow(int left, int top, ReadOnlySpan<ushort> samples)
    {
        long at = ((long)top * Width + left) * Bands;
        if (_memory is not null)
        {
            samples.CopyTo(_memory.AsSpan((int)at));
            return;
        }
        try
        {
            RandomAccess.Write(_file!, MemoryMarshal.AsBytes(samples), at * sizeof(ushort));
        }
        catch (IOException e)
        {
            Dispose();
            throw NoRoom(e);
        }
    }

    private void ReadRow(int left, int top, Span<ushort> samples)
    {
        long at = ((long)top * Width + left) * Bands;
        if (_memory is not null)
        {
            _memory.AsSpan((int)at, samples.Length).CopyTo(samples);
            return;
        }
        Span<byte> rest = MemoryMarshal.AsBytes(samples);
        at *= sizeof(ushort);
        while (rest.Length > 0)
        {
            int read = RandomAccess.Read(_file!, rest, at);
            if (read == 0)
                throw new EndOfStreamException("the temporary file of a picture has been cut off");
            rest = rest[read..];
            at += read;
        }
    }

    private PhotoException NoRoom(Exception e) =>
        new(
            _path,
            $"the temporary file for a picture of {Width} x {Height} pixels cannot be written ({e.Message})",
            $"Free {(long)Width * Height * PixelBytes >> 20} MiB there, or set TMPDIR to a folder on a larger disk.",
            e
        );
}
