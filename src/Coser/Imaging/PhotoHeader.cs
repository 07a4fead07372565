namespace Coser.Imaging;

/// <summary>What the first bytes of a photo say of it.</summary>
/// <param name="Width">In pixels, upright.</param>
/// <param name="Height">In pixels, upright.</param>
/// <param name="Format">Null for one that cannot be written (GIF, HEIC).</param>
public sealed record PhotoHeader(int Width, int Height, PhotoFormat? Format)
{
    /// <summary>Width times height.</summary>
    public long Pixels => (long)Width * Height;

    /// <summary>Reads a file's header; no pixel is decoded, however many it promises.</summary>
    /// <exception cref="PhotoException">It is missing, no photo, or its header is damaged.</exception>
    public static PhotoHeader Read(string path) => PhotoDecoder.ReadHeader(path);
}
