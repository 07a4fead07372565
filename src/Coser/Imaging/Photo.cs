using System.Runtime.InteropServices;
using NetVips;
using TorchSharp;

namespace Coser.Imaging;

/// <summary>
/// A photo with all that belongs to it: pixels, transparency, colour profile, metadata. Pixels are decoded when it is
/// opened and given out in sRGB; <see cref="WithPixels"/> puts new ones in, and the rest comes along.
/// </summary>
public sealed class Photo : IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly Image _source;
    private readonly PhotoPixels _pixels;
    private readonly PixelCanvas? _canvas;
    private readonly List<string> _notes;
    private bool _disposed;

    private Photo(
        string path,
        Image source,
        PhotoPixels pixels,
        PhotoFormat? format,
        List<string> notes,
        PixelCanvas? canvas
    )
    {
        _path = path;
        _source = source;
        _pixels = pixels;
        _canvas = canvas;
        _notes = notes;
        Format = format;
    }

    /// <summary>Width in pixels, upright: the EXIF orientation has been applied.</summary>
    public int Width => _pixels.Own.Width;

    /// <summary>Height in pixels, upright.</summary>
    public int Height => _pixels.Own.Height;

    /// <summary>Bits a sample as stored: 8, or 16 for anything finer (10- and 12-bit AVIF, floating-point TIFF).</summary>
    public int BitDepth => _pixels.BitDepth;

    /// <summary>Whether the photo has transparency.</summary>
    public bool HasAlpha => _pixels.Alpha is not null;

    /// <summary>Whether the photo has a single colour channel.</summary>
    public bool IsGreyscale => _pixels.IsGreyscale;

    /// <summary>The format it was read from; null for one that cannot be written (GIF, HEIC).</summary>
    public PhotoFormat? Format { get; }

    /// <summary>Name of the colour profile it keeps; null when it has none (sRGB is assumed).</summary>
    public string? ProfileName => _pixels.Profile is { } profile ? profile.Name ?? "unnamed" : null;

    /// <summary>What a user should know: conversions made, frames or channels left out.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Opens and decodes a JPEG, PNG, WebP, TIFF, AVIF or (first frame) GIF.</summary>
    /// <param name="limits">Null is <see cref="PhotoLimits.Default"/>.</param>
    /// <exception cref="PhotoException">It is missing, no photo, damaged, cut off or larger than the limit.</exception>
    public static Photo Open(string path, PhotoLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(new EncodedPhoto(path), limits);
    }

    /// <summary>Opens and decodes a photo that is in memory, of the same formats.</summary>
    /// <param name="encoded">What would be the file.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="limits">Null is <see cref="PhotoLimits.Default"/>.</param>
    /// <exception cref="PhotoException">It is no photo, damaged, cut off or larger than the limit.</exception>
    public static Photo Open(byte[] encoded, string name, PhotoLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(encoded);
        return Open(new EncodedPhoto(name, encoded), limits);
    }

    private static Photo Open(EncodedPhoto photo, PhotoLimits? limits)
    {
        string path = photo.Path;
        DecodedFile file = PhotoDecoder.Open(photo, limits ?? PhotoLimits.Default);
        try
        {
            PhotoPixels pixels = VipsEngine.Reading(path, () => PhotoPixels.Interpret(path, file.Upright, file.Notes));
            return new Photo(path, file.Upright, pixels, file.Format, file.Notes, canvas: null);
        }
        catch
        {
            file.Upright.Dispose();
            throw;
        }
    }

    /// <summary>A photo made of pixels: 8 bits, sRGB, no metadata.</summary>
    /// <param name="pixels">[1,3,h,w], sRGB in [0,1], clamped; not kept.</param>
    /// <exception cref="ArgumentException">The shape is another, or a value is not a number.</exception>
    public static Photo FromPixels(torch.Tensor pixels)
    {
        var canvas = new PixelCanvas((int)pixels.shape[^1], (int)pixels.shape[^2]);
        try
        {
            canvas.Write(0, 0, pixels);
            Image picture = PixelDepth.To(canvas.ToImage(), 8);
            var own = new PhotoPixels(picture, picture, Alpha: null, Profile: null, BitDepth: 8);
            return new Photo("pixels", picture.Copy(), own, PhotoFormat.Png, [], canvas);
        }
        catch
        {
            canvas.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The pixels of an area: [1,3,h,w] float32 in [0,1], sRGB, on the CPU. Grey is replicated; pixels under transparency
    /// have the colour of their visible neighbours. An 8-bit sRGB value v is exactly v/255.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The area is empty or leaves the photo.</exception>
    /// <exception cref="PhotoException">The file turns out to be damaged there (tiled TIFF).</exception>
    public torch.Tensor Read(PixelArea area)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        bool inside =
            area is { Left: >= 0, Top: >= 0, Width: > 0, Height: > 0 }
            && area.Left <= Width - area.Width
            && area.Top <= Height - area.Height;
        if (!inside)
            throw new ArgumentOutOfRangeException(nameof(area), $"{area} leaves the photo of {Width} x {Height}");
        lock (_gate)
        {
            return VipsEngine.Reading(
                _path,
                () =>
                {
                    using Image tile = _pixels.Srgb.Crop(area.Left, area.Top, area.Width, area.Height);
                    return ToTensor(tile);
                }
            );
        }
    }

    /// <summary>The whole photo shrunk by an antialiasing filter, without ever being in memory as a whole.</summary>
    /// <param name="width">1 to the photo's own.</param>
    /// <param name="height">1 to the photo's own.</param>
    /// <returns>[1,3,height,width] as of <see cref="Read"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is larger than the photo's, or below 1.</exception>
    public torch.Tensor ReadShrunk(int width, int height)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (width < 1 || height < 1 || width > Width || height > Height)
            throw new ArgumentOutOfRangeException(
                nameof(width),
                $"{width} x {height} is not between 1 x 1 and {Width} x {Height}"
            );
        if ((width, height) == (Width, Height))
            return Read(new PixelArea(0, 0, Width, Height));
        lock (_gate)
        {
            return VipsEngine.Reading(
                _path,
                () =>
                {
                    using Image small = _pixels.Srgb.Resize(
                        width / (double)Width,
                        Enums.Kernel.Lanczos3,
                        vscale: height / (double)Height
                    );
                    return ToTensor(small);
                }
            );
        }
    }

    /// <summary>
    /// This photo with new pixels: <paramref name="canvas"/> gives the colours, everything else is this photo's: alpha
    /// (enlarged by itself), profile, metadata, bit depth, greyness. The canvas belongs to the new photo from here on.
    /// </summary>
    /// <param name="canvas">This photo enlarged by a whole factor.</param>
    /// <param name="scale">At most that factor. The new size is round(scale times this size), at least 1.</param>
    /// <exception cref="ArgumentException">The canvas is not a whole multiple, or the scale is out of range.</exception>
    public Photo WithPixels(PixelCanvas canvas, double scale)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            int factor = canvas.Width / Width;
            if (factor < 1 || canvas.Width != factor * (long)Width || canvas.Height != factor * (long)Height)
            {
                throw new ArgumentException(
                    $"{canvas.Width} x {canvas.Height} is no whole multiple of {Width} x {Height}",
                    nameof(canvas)
                );
            }
            if (!(scale > 0 && scale <= factor))
                throw new ArgumentOutOfRangeException(nameof(scale), $"{scale} is not in (0, {factor}]");
            lock (_gate)
            {
                return VipsEngine.Reading(
                    _path,
                    () =>
                    {
                        Image picture = Shrunk(canvas.ToImage(), ScaledSide(Width, scale), ScaledSide(Height, scale));
                        PhotoPixels pixels = _pixels.Enlarged(picture);
                        // A copy shares the pixels; each photo disposes its own handle.
                        return new Photo(_path, _source.Copy(), pixels, Format, [.. _notes], canvas);
                    }
                );
            }
        }
        catch
        {
            canvas.Dispose();
            throw;
        }
    }

    /// <summary>The side that <see cref="WithPixels"/> gives: round(side times scale), at least 1.</summary>
    public static int ScaledSide(int side, double scale) =>
        (int)Math.Max(1, Math.Round(side * scale, MidpointRounding.AwayFromZero));

    /// <summary>Writes the photo: under a temporary name beside <paramref name="path"/> first, then renamed.</summary>
    /// <exception cref="PhotoException">The format is unknown or cannot hold it, or the file cannot be written.</exception>
    public void Save(string path, SaveOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_gate)
            PhotoWriter.Save(path, options ?? new SaveOptions(), _pixels, _source, _notes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _pixels.Own.Dispose();
        _pixels.Srgb.Dispose();
        _pixels.Alpha?.Dispose();
        _source.Dispose();
        _canvas?.Dispose();
    }

    private static Image Shrunk(Image picture, int width, int height)
    {
        if (picture.Width == width && picture.Height == height)
            return picture;
        Image shrunk = picture.Resize(
            width / (double)picture.Width,
            Enums.Kernel.Lanczos3,
            vscale: height / (double)picture.Height
        );
        return PixelDepth.Tagged(shrunk);
    }

    private static torch.Tensor ToTensor(Image tile)
    {
        int plane = tile.Width * tile.Height;
        int bands = tile.Bands;
        // Filled in place: a managed array of this size would wait long for its collection, and start at any address.
        torch.Tensor pixels = torch.empty([1, 3, tile.Height, tile.Width], dtype: torch.float32);
        Span<float> planes = MemoryMarshal.Cast<byte, float>(pixels.bytes);
        if (tile.Format == Enums.BandFormat.Uchar)
        {
            byte[] samples = tile.WriteToMemory<byte>();
            for (int c = 0; c < 3; c++)
            for (int i = 0, from = Math.Min(c, bands - 1); i < plane; i++, from += bands)
                planes[c * plane + i] = samples[from] / 255f;
        }
        else
        {
            ushort[] samples = tile.WriteToMemory<ushort>();
            for (int c = 0; c < 3; c++)
            for (int i = 0, from = Math.Min(c, bands - 1); i < plane; i++, from += bands)
                planes[c * plane + i] = samples[from] / 65535f;
        }
        return pixels;
    }
}
